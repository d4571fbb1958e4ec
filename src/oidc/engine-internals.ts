/** The one module that reaches into parts of oidc-provider which its documentation and its types leave out. */
import Provider, { type KoaContextWithOIDC } from 'oidc-provider'
// @ts-expect-error the engine's types leave out the errors that show the page for user codes again
import { AlreadyUsedError } from 'oidc-provider/lib/helpers/re_render_errors.js'

import { describeError } from './engine-errors.ts'

export { checkDpopReplay, validateDpop } from 'oidc-provider/lib/helpers/grants.js'
export { AlreadyUsedError }

/** Sends an authorization response, or an error, to a redirect URI. */
export type ResponseMode = (
  ctx: KoaContextWithOIDC,
  redirectUri: string,
  payload: Readonly<Record<string, string>>,
) => void

/**
 * The engine with some response modes replaced, and with a description for each error that it sends back. It registers
 * its own modes in the constructor and ignores a later one of the same name, so they are replaced as it registers them.
 */
export function engineWithResponseModes(modes: Readonly<Record<string, ResponseMode>>): typeof Provider {
  class Engine extends Provider {
    override registerResponseMode(name: string, handler: Parameters<Provider['registerResponseMode']>[1]): void {
      const respond = (modes[name] as typeof handler | undefined) ?? handler
      super.registerResponseMode(name, (ctx, uri, payload) => respond(ctx, uri, describeError(payload)))
    }
  }
  return Engine
}
