import type { Context } from 'koa'
import { readBody, readFormText } from '../http/request-body.ts'
import { refuseNul } from '../http/request-check.ts'
import type { Translate } from '../languages/translator.ts'
import { invalidInput, KeywrightError } from '../shared/errors.ts'

/** Far more than any form of ours holds. */
const BODY_LIMIT = 64 * 1024

/** A little more than a logo. */
const UPLOAD_LIMIT = 320 * 1024

export type Form = ReadonlyMap<string, string>

/** What was chosen in file fields, by the field's name. */
export type Files = ReadonlyMap<string, Buffer>

/** The body is of a kind that no form of ours sends. */
export class UnsupportedFormError extends KeywrightError {
  constructor() {
    super('invalid_input', 'a form must be sent as application/x-www-form-urlencoded')
  }
}

function formOf(entries: readonly [string, string][]): Form {
  const form = new Map(entries)
  if (form.size !== entries.length) throw invalidInput('the form names a field twice')
  return form
}

/** @throws KeywrightError `invalid_input`; BodyTooLargeError; UnsupportedFormError */
export async function readForm(ctx: Context, limit = BODY_LIMIT): Promise<Form> {
  const text = await readFormText(ctx.req, limit)
  if (text !== '' && !ctx.is('application/x-www-form-urlencoded')) throw new UnsupportedFormError()
  return formOf([...new URLSearchParams(text)])
}

async function partsOf(ctx: Context, body: Buffer): Promise<[string, string | File][]> {
  const headers = { 'content-type': ctx.get('content-type') }
  try {
    return [...(await new Response(new Uint8Array(body), { headers }).formData())]
  } catch (error) {
    throw new KeywrightError('invalid_input', 'the form is cut off or damaged', { cause: error })
  }
}

/** A form with files; a field where none was chosen is left out. @throws as `readForm` */
export async function readUpload(ctx: Context): Promise<{ form: Form; files: Files }> {
  if (!ctx.is('multipart/form-data')) return { form: await readForm(ctx), files: new Map() }
  const parts = await partsOf(ctx, await readBody(ctx.req, UPLOAD_LIMIT))
  const texts = parts.filter((part): part is [string, string] => typeof part[1] === 'string')
  for (const [name, value] of texts) refuseNul(name + value)
  const chosen = parts.filter((part): part is [string, File] => part[1] instanceof File && part[1].size > 0)
  const files = chosen.map(async ([name, file]) => [name, Buffer.from(await file.arrayBuffer())] as const)
  return { form: formOf(texts), files: new Map(await Promise.all(files)) }
}

/** One field as its partial draws it. */
export interface Field {
  readonly id: string
  readonly label: string
  readonly type: string
  readonly autocomplete: string
  readonly inputMode?: string
  readonly value: string
  readonly hint?: string
  readonly fieldError?: string
  /** The ids of what explains it, for screen readers. */
  readonly describedBy?: string
  readonly minLength?: number
  /** Addresses and codes are written from left to right in every language. */
  readonly direction?: 'ltr'
  readonly focus: boolean
}

type FieldOptions = Partial<Pick<Field, 'value' | 'hint' | 'fieldError' | 'minLength' | 'focus'>>

function field(
  base: Pick<Field, 'id' | 'label' | 'type' | 'autocomplete' | 'inputMode' | 'direction'>,
  options: FieldOptions,
): Field {
  const explained = [options.hint && `${base.id}-hint`, options.fieldError && `${base.id}-error`].filter(Boolean)
  const describedBy = explained.length > 0 ? explained.join(' ') : undefined
  return { ...base, value: '', focus: options.fieldError !== undefined, ...options, describedBy }
}

// Not `type=email`: Chromium replaces a domain such as bücher.example, and refuses a local part beyond ASCII.
const EMAIL = {
  id: 'email',
  type: 'text',
  inputMode: 'email',
  autocomplete: 'username',
  direction: 'ltr',
} as const

export const emailField = (t: Translate, options: FieldOptions): Field =>
  field({ ...EMAIL, label: t('signIn.email') }, options)

/** On a sign-in page. Browsers that know passkeys offer them at the field (HTML, section 4.10.18.7, `webauthn`). */
export const signInEmailField = (t: Translate, options: FieldOptions): Field =>
  field({ ...EMAIL, label: t('signIn.email'), autocomplete: 'username webauthn' }, options)

export const newEmailField = (t: Translate, options: FieldOptions): Field =>
  field({ ...EMAIL, label: t('changeEmail.new'), autocomplete: 'email' }, options)

export const passwordField = (id: string, label: string, options: FieldOptions): Field =>
  field({ id, label, type: 'password', autocomplete: 'current-password' }, options)

const CODE = {
  id: 'code',
  type: 'text',
  inputMode: 'numeric',
  autocomplete: 'one-time-code',
  direction: 'ltr',
} as const

/** For a code of an authenticator app. */
export const codeField = (t: Translate, options: FieldOptions): Field =>
  field({ ...CODE, label: t('factor.code') }, options)

const RECOVERY_CODE = { id: 'recovery_code', type: 'text', autocomplete: 'off', direction: 'ltr' } as const

export const recoveryCodeField = (t: Translate, options: FieldOptions): Field =>
  field({ ...RECOVERY_CODE, label: t('factor.recoveryCode') }, options)

export const factorNameField = (t: Translate, options: FieldOptions): Field =>
  field(
    { id: 'name', label: t('factorName.label'), type: 'text', autocomplete: 'off' },
    { hint: t('factorName.appHint'), ...options },
  )

export const passkeyNameField = (t: Translate, options: FieldOptions): Field =>
  field(
    { id: 'name', label: t('factorName.label'), type: 'text', autocomplete: 'off' },
    { hint: t('factorName.passkeyHint'), ...options },
  )

export const newPasswordField = (id: string, label: string, options: FieldOptions): Field =>
  field({ id, label, type: 'password', autocomplete: 'new-password' }, options)
