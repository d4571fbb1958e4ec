import type { Context } from 'koa'
import type { SessionIdentity } from '../accounts/sign-in-tickets.ts'
import type { UpstreamSignOut } from '../identity-providers/upstream-sign-out.ts'
import { browserBinding } from './csrf.ts'
import { messagePage } from './messages.ts'
import type { Show } from './page.ts'
import { translateFor } from './page-language.ts'

/** Leads a browser that has signed out here on to the provider, and then to `next`. False: not there. */
export type LeadToProvider = (ctx: Context, identity: SessionIdentity, next: string) => Promise<boolean>

/**
 * The browser leaves from a page, not by a redirect: Chromium applies the `form-action` of the page with the form to redirects.
 */
export const leadToProvider =
  (signOut: UpstreamSignOut, show: Show): LeadToProvider =>
  async (ctx, identity, next) => {
    const found = await signOut.begin(identity, { boundTo: browserBinding(ctx), next })
    if (!found) return false
    const t = translateFor(ctx)
    const { providerName: provider, url } = found
    ctx.remove('Location')
    ctx.set('Refresh', `0; url=${url.href}`)
    const page = messagePage({
      title: t('signOut.done'),
      status: 200,
      paragraphs: [t('signOut.atProvider', { provider })],
      actions: [{ label: t('signOut.continueAtProvider', { provider }), href: url.href }],
    })
    show(ctx, { ...page, isPassing: true })
    return true
  }
