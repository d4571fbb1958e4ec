import type { ConsoleText } from '../../../languages/console/console-text.ts'
import type { ConsoleTranslate } from '../../../languages/console/console-translator.ts'
import { selectField } from './choice-fields.ts'
import type { Field } from './form-fields.ts'

const DAY = 86_400

const expiry = (t: ConsoleTranslate, label: ConsoleText): Field<string> =>
  selectField({
    label: t(label),
    hint: t(
      'If the account or an API limits the lifetime of client secrets, that limit applies in place of “No expiry”.',
    ),
    choices: [
      { value: '', label: t('No expiry') },
      ...[30, 90, 180, 365].map((days) => ({ value: String(days), label: t('In {days} days', { days }) })),
    ],
  })

/** When a new secret expires that replaces another one. */
export const expiryField = (t: ConsoleTranslate): Field<string> => expiry(t, 'New client secret expires')

/** When the first secret of a client expires. A page of the earlier version does not send it during an upgrade. */
export function secretExpiryField(t: ConsoleTranslate): Field<string> {
  const field = expiry(t, 'Client secret expires')
  return { ...field, read: (name, sent) => (sent.form.has(name) ? field.read(name, sent) : { value: '' }) }
}

export const expiryIn = (days: string): Date | null =>
  days === '' ? null : new Date(Date.now() + Number(days) * DAY * 1000)

/** The choices that keep the current secret for some time, in seconds. @param hint of the day, which is selected at first */
export const keptChoices = (t: ConsoleTranslate, hint: string) => [
  { value: '3600', label: t('Keep for 1 hour') },
  { value: '86400', label: t('Keep for 24 hours'), hint },
  { value: '604800', label: t('Keep for 7 days') },
]

/** The choice that keeps the current secret while it is used. */
export const UNUSED = 'unused'

export const UNTIL_UNUSED = { overlap: 7 * DAY, unusedHours: 24 }

export const unusedChoice = (t: ConsoleTranslate) => ({
  value: UNUSED,
  label: t('Keep until it is unused'),
  hint: t('Retired after 24 hours without a use, at the latest in 7 days. You can change both later.'),
})
