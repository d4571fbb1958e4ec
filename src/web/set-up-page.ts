import type { Context } from 'koa'
import type { ShownOffer } from '../factors/totp-offers.ts'
import { browserBinding } from './csrf.ts'
import type { Page } from './page.ts'
import { setUpFactorPage } from './second-factor-pages.ts'
import type { SignInContext } from './sign-in-context.ts'
import type { Web } from './web-services.ts'

export interface SetUpRequest {
  readonly ticket: string
  /** The authenticator app that the page has shown before, sealed or opened. */
  readonly offer?: string | ShownOffer
  readonly codeError?: string
  /** Said above the forms. */
  readonly fieldError?: string
}

/** The page that lets a user add a passkey or an authenticator app during the sign-in. Undefined: the sign-in does not continue any more. */
export async function setUpPageFor(
  { factors }: Web,
  ctx: Context,
  context: SignInContext,
  { ticket, offer, ...errors }: SetUpRequest,
): Promise<Page | undefined> {
  const shown = typeof offer === 'object' ? offer : await factors.setUp.offerFor(ticket, offer)
  const passkey = await factors.passkeys?.setUp.offerFor(ticket, browserBinding(ctx))
  return shown && (await setUpFactorPage(context, { ticket, offer: shown, passkey, ...errors }))
}
