import type { ConsoleTranslate } from '../../../languages/console/console-translator.ts'
import { ENGLISH } from '../../../languages/languages.ts'

/** A declared label within a sentence. In English the first letter is small, except in an abbreviation. */
export const labelInSentence = (t: ConsoleTranslate, label: string): string =>
  t.language === ENGLISH ? label.replace(/^[A-Z](?=[a-z])/, (letter) => letter.toLowerCase()) : t.declared(label)
