import type { Context } from 'koa'
import type { EncryptionKeys } from '../shared/encryption-keys.ts'
import { createSealedTickets } from '../shared/sealed-tickets.ts'
import { readCookie, writeCookie } from './cookies.ts'

const COOKIE = 'kw_console'

/** In milliseconds: longer than any console session, so that the page of one that has ended can lead back. */
const LIFETIME = 24 * 3600_000

/** What a browser holds of a console session. Sealed, so that it says where the session came from after it has ended. */
export interface ConsoleSessionCookie {
  /** Of the session: a secret. */
  readonly id: string
  /** Of the URL that opened it. */
  readonly openedBy: string
  readonly returnUrl: string
  /** The origin that may frame the pages; null: none may. */
  readonly embedOrigin: string | null
}

const ticketsOf = (keys: EncryptionKeys) =>
  createSealedTickets<ConsoleSessionCookie & { readonly expiresAt: number }>(keys, 'console session cookie')

export function readConsoleSession(ctx: Context, keys: EncryptionKeys): ConsoleSessionCookie | undefined {
  const sealed = readCookie(ctx, COOKIE)
  return sealed ? ticketsOf(keys).open(sealed, Date.now()) : undefined
}

export const writeConsoleSession = (ctx: Context, keys: EncryptionKeys, cookie: ConsoleSessionCookie): void =>
  writeCookie(ctx, COOKIE, ticketsOf(keys).seal({ ...cookie, expiresAt: Date.now() + LIFETIME }))

/** Lets the origin of the session in this browser frame the pages of the request, also those that say that the session has ended. */
export function allowFrameOfSession(ctx: Context, keys: EncryptionKeys): void {
  ctx.state.embedOrigin = readConsoleSession(ctx, keys)?.embedOrigin ?? undefined
}

export function forgetConsoleSession(ctx: Context): void {
  if (readCookie(ctx, COOKIE)) writeCookie(ctx, COOKIE, '', 0)
}
