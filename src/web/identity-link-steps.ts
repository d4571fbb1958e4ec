import type { Context } from 'koa'
import { browserBinding } from './csrf.ts'
import { type IdentityLinkState, identityLinkPage } from './identity-link-page.ts'
import type { SignInContext } from './sign-in-context.ts'
import type { Login } from './sign-in-flow.ts'
import { signInPage } from './sign-in-steps.ts'
import { originOf, type Web } from './web-services.ts'

export type OfferedLink = Pick<IdentityLinkState, 'provider' | 'username' | 'email'>

/**
 * What a user who has just signed in is asked about the identity that a sign-in at a provider proved before. Undefined: nothing, also when
 * somebody else answers for this sign-in.
 */
export async function offeredLink(
  web: Web,
  ctx: Context,
  link: string | undefined,
  login: Login,
): Promise<OfferedLink | undefined> {
  if (!link || login.identity || login.account?.isFixed) return undefined
  const linked = await web.upstream.linkOf(link, browserBinding(ctx), login.userId)
  const email = linked && (await web.directory.user(login.userId))?.email
  if (!linked || email === undefined) return undefined
  return { provider: linked.providerName, username: linked.username, email }
}

/** Finishes the sign-in of an interaction, after its user has answered whether to connect an identity, if one waits. */
export async function finishWithin(web: Web, ctx: Context, context: SignInContext, login: Login): Promise<void> {
  const { t, uid, returnTo, link, formTargets } = context
  const offered = await offeredLink(web, ctx, link, login)
  if (!offered) return await web.flow.finishLogin(ctx, uid!, login)
  const { userId, since, amr } = login
  const asked = { link: link!, uid: uid!, userId, since: Number(since), amr, browser: browserBinding(ctx) }
  const state = { ...offered, action: `${returnTo}/link`, fields: { question: web.upstream.askWithin(asked) } }
  web.show(ctx, identityLinkPage(t, { ...state, ...(formTargets && { formTargets }) }))
}

/** The user of `finishWithin` has answered: the interaction goes on with the sign-in that they have finished. */
export async function answerWithin(web: Web, ctx: Context, context: SignInContext, uid: string): Promise<void> {
  const { form } = ctx.state
  const browser = browserBinding(ctx)
  const asked = web.upstream.questionOf(form.get('question') ?? '', { browser, uid })
  const isDone =
    asked &&
    (form.get('answer') === 'no' || (await web.upstream.confirmLink(asked.link, browser, asked, originOf(ctx))))
  if (!isDone) {
    const fieldError = context.t('upstream.expired')
    return web.show(ctx, signInPage(context, { fieldError, status: 400 }))
  }
  const { userId, since, amr, provedAt } = asked
  await web.flow.finishLogin(ctx, uid, {
    userId,
    since: new Date(since),
    amr,
    authenticatedAt: new Date(provedAt),
  })
}
