/**
 * The part of engine-internals.ts for response modes: how authorization responses leave, and are signed (JARM).
 */
import Provider, { type KoaContextWithOIDC } from 'oidc-provider'
import { describeError } from './engine-errors.ts'
import type { EngineClient } from './engine-internals.ts'

/** Sends an authorization response, or an error, to a redirect URI. */
export type ResponseMode = (
  ctx: KoaContextWithOIDC,
  redirectUri: string,
  payload: Readonly<Record<string, string>>,
) => void

type ResponseModeHandler = Parameters<Provider['registerResponseMode']>[1]

/** Whether an authorization response of this `response_mode` is a JWT (JARM, section 2.3). */
export const isSignedMode = (mode: unknown): boolean => typeof mode === 'string' && /^(?:.*\.)?jwt$/.test(mode)

/** The mode that carries the JWT: `query` for `query.jwt` and `jwt`. */
const carrierOf = (mode: string): string => (mode === 'jwt' ? 'query' : mode.replace(/\.jwt$/, ''))

/** How authorization responses are signed. */
interface ResponseSigning {
  /** Whether the client gets signed responses only, also where its request did not ask for them. */
  isRequired(client: EngineClient): boolean
  /** Makes the keys present. */
  followKeys(): Promise<void>
}

/** The authorization response as a JWT (JARM, section 2.1), which is valid for two minutes. */
async function signedResponse(provider: Provider, ctx: KoaContextWithOIDC, payload: object): Promise<string> {
  const token = new provider.IdToken({}, { ctx } as never) as unknown as {
    extra: object
    issue(options: { use: string }): Promise<string>
  }
  token.extra = payload
  return await token.issue({ use: 'authorization' })
}

/**
 * The engine with some response modes replaced, and with a description for each error that it sends to a redirect URI. The
 * engine registers its own modes in the constructor and ignores a later one of the same name, so the replacement is
 * registered in their place. Its signed modes would send their JWT by its own modes, so ours are in their place too.
 */
export function engineWithResponseModes(
  modes: Readonly<Record<string, ResponseMode>>,
  signing: ResponseSigning,
): typeof Provider {
  const carriers = new Map<string, ResponseModeHandler>()
  class Engine extends Provider {
    override registerResponseMode(name: string, handler: ResponseModeHandler): void {
      const carry = (modes[name] as ResponseModeHandler | undefined) ?? handler
      carriers.set(name, carry)
      super.registerResponseMode(name, async (ctx, uri, payload) => {
        const described = describeError(payload)
        if (!isSignedMode(name) && !signing.isRequired(ctx.oidc.client as EngineClient))
          return await carry(ctx, uri, described)
        // The form of form_post has the status of what it carries.
        if ('error' in payload) ctx.status = payload.error === 'server_error' ? 500 : 400
        await signing.followKeys()
        const response = await signedResponse(this, ctx, described)
        await carriers.get(carrierOf(name))!(ctx, uri, { response })
      })
    }
  }
  return Engine
}
