import type { ConsoleTranslate } from '../../../languages/console/console-translator.ts'
import { checkboxField } from './choice-fields.ts'
import type { Field } from './form-fields.ts'

/** The current logo with a checkbox that removes it. @param hint what pages show without it */
export function currentLogoField(t: ConsoleTranslate, src: string, hint: string): Field<boolean> {
  const field = checkboxField({ label: t('Remove the logo'), hint })
  return { ...field, kind: 'present-logo', controls: (name, form) => ({ checked: form.has(name), src }) }
}
