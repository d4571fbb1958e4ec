import Provider, { type KoaContextWithOIDC } from 'oidc-provider'
import { ANONYMOUS_SESSION_TTL } from './anonymous-storage.ts'

/** The engine's session with what is ours in it. */
export type BrowserSession = InstanceType<Provider['Session']> & {
  /** The person's `sessionsValidFrom` when they signed in, ISO 8601: while it is the same, the session counts. */
  subjectSince?: string
}

export const SESSION_COOKIE = { httpOnly: true, sameSite: 'lax', overwrite: true } as const

/** Lets the engine keep what is ours in its sessions. */
export function useSessions(provider: Provider): void {
  const { IN_PAYLOAD } = provider.Session as unknown as { IN_PAYLOAD: string[] }
  Object.defineProperty(provider.Session, 'IN_PAYLOAD', { value: [...IN_PAYLOAD, 'subjectSince'] })
}

/**
 * Lets the engine save a session that it creates for an error page: after an error it saves only sessions that were saved
 * before, and fails on any other one. The form of the page needs the session, and the browser its cookie.
 */
export function saveNewSessions(provider: Provider): void {
  const { prototype } = provider.Session as unknown as { prototype: BrowserSession }
  const { persist } = prototype
  prototype.persist = async function (this: BrowserSession) {
    if (this.exp !== undefined) return await persist.call(this)
    const { oidc } = Provider.ctx as KoaContextWithOIDC
    oidc.cookies.set(provider.cookieName('session'), this.jti, SESSION_COOKIE)
    return await this.save(ANONYMOUS_SESSION_TTL)
  }
}
