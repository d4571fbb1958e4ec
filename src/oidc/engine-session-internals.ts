/** The parts of the engine's sessions that its documentation and its types leave out, as in engine-internals.ts. */
import type Provider from 'oidc-provider'
import { replaceMethods } from './engine-internals.ts'

/** Makes the engine store a further field of its sessions. */
export function addSessionField({ Session }: Provider, name: string): void {
  const { IN_PAYLOAD } = Session as unknown as { IN_PAYLOAD: string[] }
  Object.defineProperty(Session, 'IN_PAYLOAD', { value: [...IN_PAYLOAD, name] })
}

interface EngineSession {
  readonly exp?: number
  readonly jti: string
}

/** Makes the engine store a session that was never stored before by `save`, where the engine throws. */
export function persistNewSessionsBy<Session extends EngineSession>(
  provider: Provider,
  save: (session: Session) => Promise<unknown>,
): void {
  const { prototype } = provider.Session as unknown as { prototype: { persist(): Promise<unknown> } }
  const { persist } = prototype
  replaceMethods(prototype, {
    persist(this: Session) {
      return this.exp === undefined ? save(this) : persist.call(this as never)
    },
  })
}

/**
 * Calls `take` with the present ID of a session before the engine stores the session under a new one. False: the session is not
 * stored.
 */
export function beforeSessionRenewal<Session>(
  provider: Provider,
  take: (session: Session, presentId: string) => Promise<boolean>,
): void {
  type Renewed = Session & { oldId?: string | undefined }
  const { prototype } = provider.Session as unknown as { prototype: { save(ttl: number): Promise<unknown> } }
  const { save } = prototype
  replaceMethods(prototype, {
    async save(this: Renewed, ttl: number) {
      if (this.oldId !== undefined && !(await take(this, this.oldId))) return undefined
      return await save.call(this as never, ttl)
    },
  })
}

/** Calls `onSession` with the context and the state of each session that the engine reads. */
export function onSessionRead<Context>({ Session }: Provider, onSession: (ctx: Context, state: unknown) => void): void {
  const engineSession = Session as unknown as { get(ctx: Context): Promise<{ state?: unknown }> }
  const get = engineSession.get.bind(engineSession)
  replaceMethods(engineSession, {
    async get(ctx: Context) {
      const session = await get(ctx)
      onSession(ctx, session.state)
      return session
    },
  })
}
