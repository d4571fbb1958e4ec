import { z } from 'zod'
import type { EncryptionKeys } from '../shared/encryption-keys.ts'
import { createSealedTickets } from '../shared/sealed-tickets.ts'
import type { Form } from './forms.ts'

/** Milliseconds in which somebody signs in and goes on. */
const LIFETIME = 3_600_000

/** Characters, so that it fits into the sign-in form. A larger one is typed again. */
const LARGEST = 44 * 1024

const interruptedForm = z.object({
  /** Where it was posted to. */
  path: z.string(),
  /** Where it can be filled in again. */
  page: z.string(),
  fields: z.array(z.tuple([z.string(), z.string()])),
  /** Whose it is; null: their session had ended. */
  userId: z.string().nullable(),
  /** Whether a file was chosen, which cannot be kept. */
  hadFile: z.boolean(),
  /** Milliseconds since 1970. */
  expiresAt: z.number(),
})

/** A form that was posted without the sign-in that it takes. It goes through the sign-in page, sealed, and is sent again. */
export type InterruptedForm = Omit<z.infer<typeof interruptedForm>, 'expiresAt'>

const ticketsOf = (keys: EncryptionKeys) =>
  createSealedTickets<z.infer<typeof interruptedForm>>(keys, 'interrupted form')

export const fieldsToKeep = (form: Form): [string, string][] => [...form].filter(([name]) => name !== 'csrf')

/** What pages fill in themselves. A form of these alone asks whether to do something: it is read again, and sent anew. */
const FILLED_IN = new Set(['revision', 'role', 'status', 'api', 'to', 'newest', 'replaces', 'clientId', 'jti'])

/** Typed once more rather than kept, even sealed. */
const SECRET = new Set(['clientSecret', 'apiKey', 'password', 'text', 'token'])

/** Undefined: there is nothing to keep, it holds a secret, or it is too large. */
export function sealInterruptedForm(keys: EncryptionKeys, form: InterruptedForm): string | undefined {
  // A form of another page cannot be read again where it was posted to.
  const isLost = form.path !== form.page && form.fields.length > 0
  const isTyped = isLost || form.fields.some(([name, value]) => !FILLED_IN.has(name) && value !== '')
  if (!isTyped || form.fields.some(([name]) => SECRET.has(name))) return undefined
  const sealed = ticketsOf(keys).seal({ ...form, expiresAt: Date.now() + LIFETIME })
  return sealed.length > LARGEST ? undefined : sealed
}

/** Undefined: it has expired, or was never sealed here. */
export function openInterruptedForm(keys: EncryptionKeys, sealed: string): InterruptedForm | undefined {
  return interruptedForm.safeParse(ticketsOf(keys).open(sealed, Date.now())).data
}
