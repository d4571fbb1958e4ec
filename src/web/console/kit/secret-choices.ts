import { selectField } from './choice-fields.ts'
import type { Field } from './form-fields.ts'

const DAY = 86_400

const EXPIRY = {
  label: 'New client secret expires',
  hint: 'If the account or an API limits the lifetime of client secrets, that limit applies in place of “No expiry”.',
  choices: [
    { value: '', label: 'No expiry' },
    { value: '30', label: 'In 30 days' },
    { value: '90', label: 'In 90 days' },
    { value: '180', label: 'In 180 days' },
    { value: '365', label: 'In 365 days' },
  ],
}

/** When a new secret expires that replaces another one. */
export const expiryField = selectField(EXPIRY)

const FIRST_EXPIRY = selectField({ ...EXPIRY, label: 'Client secret expires' })

/** When the first secret of a client expires. A page of the earlier version does not send it during an upgrade. */
export const secretExpiryField: Field<string> = {
  ...FIRST_EXPIRY,
  read: (name, sent) => (sent.form.has(name) ? FIRST_EXPIRY.read(name, sent) : { value: '' }),
}

export const expiryIn = (days: string): Date | null =>
  days === '' ? null : new Date(Date.now() + Number(days) * DAY * 1000)

/** The choice that keeps the current secret while it is used. */
export const UNUSED = 'unused'

export const UNTIL_UNUSED = { overlap: 7 * DAY, unusedHours: 24 }

export const UNUSED_CHOICE = {
  value: UNUSED,
  label: 'Keep until it is unused',
  hint: 'Retired after 24 hours without a use, at the latest in 7 days. You can change both later.',
} as const
