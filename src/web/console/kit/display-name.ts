import type { ConsoleTranslate } from '../../../languages/console/console-translator.ts'
import { ENGLISH } from '../../../languages/languages.ts'

/** How pages name a user. */
export const displayName = ({ name, email }: { readonly name: string | null; readonly email: string }): string =>
  name ?? email

const PAIR_OF = 'Key pair of '
const NAMED_PAIR_OF = ': key pair of '

/** The name of a client. That of a key pair is derived from its owner, in English, when it is generated. */
export function clientName(
  t: ConsoleTranslate,
  { kind, name }: { readonly kind: string | null; readonly name: string },
): string {
  if (kind !== 'key_pair') return name
  if (name.startsWith(PAIR_OF)) return t('Key pair of {email}', { email: name.slice(PAIR_OF.length) })
  const [pairName, email] = name.split(NAMED_PAIR_OF)
  return email === undefined ? name : t('{pairName}: key pair of {email}', { pairName: pairName!, email })
}

/** The same within a sentence: `Edit key pair of ada@example.com`. */
export function clientNameInSentence(t: ConsoleTranslate, client: Parameters<typeof clientName>[1]): string {
  const name = clientName(t, client)
  return t.language === ENGLISH ? name.replace(/^Key pair of /, 'key pair of ') : name
}
