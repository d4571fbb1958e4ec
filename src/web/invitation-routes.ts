import Router from '@koa/router'
import type { Context } from 'koa'
import type { AccountInvitation } from '../accounts/account-invitations.ts'
import type { InvitationProof } from '../management/joining.ts'
import { isId } from '../shared/ids.ts'
import { invitationOverPage, invitationPage, mayAnswer } from './invitation-pages.ts'
import { INVITATION_PATH, invitationPath } from './invitation-paths.ts'
import { isUsedUp, tokenIn } from './link-tokens-in-requests.ts'
import { translateFor } from './page-language.ts'
import type { SignedInUser } from './sign-in-directory.ts'
import { seeOther, showSignIn, signInPathTo } from './sign-in-routes.ts'
import { currentUser, originOf, type Web } from './web-services.ts'

interface Asked {
  readonly token: string
  readonly proof: InvitationProof
  readonly user: SignedInUser | undefined
  /** Undefined: it is over. */
  readonly invitation: AccountInvitation | undefined
}

async function find(web: Web, ctx: Context, token: string): Promise<Asked> {
  const user = await currentUser(web, ctx)
  const proof = isId(token) ? { id: token } : { token }
  const own = user && !user.isAccountFixed ? user.id : undefined
  return { token, proof, user, invitation: await web.joining.open(proof, own) }
}

function showOver(web: Web, ctx: Context, { proof, user, token }: Asked): void {
  if ('id' in proof && !user) seeOther(ctx, signInPathTo(invitationPath(token)))
  else web.show(ctx, invitationOverPage(translateFor(ctx)))
}

/** Opening a link changes nothing: mail scanners open links too. */
async function show(web: Web, ctx: Context): Promise<void> {
  const asked = await find(web, ctx, tokenIn(ctx.query.token))
  const { invitation } = asked
  if (!invitation) return showOver(web, ctx, asked)
  web.show(ctx, invitationPage(translateFor(ctx), invitation, asked))
}

const ANSWERS = { join: 'joined', decline: 'declined' } as const

const isAnswer = (text: string | null): text is keyof typeof ANSWERS => text !== null && Object.hasOwn(ANSWERS, text)

/** The user joins or declines; or they sign in as another user first. */
async function answer(web: Web, ctx: Context): Promise<void> {
  const { form } = ctx.state
  const asked = await find(web, ctx, tokenIn(form.get('token')))
  const { invitation, user, proof, token } = asked
  if (!invitation) return showOver(web, ctx, asked)
  const wanted = form.get('answer') ?? null
  if (!isAnswer(wanted)) return showSignIn(web, ctx, invitationPath(token), invitation.email)
  if (!user || !mayAnswer(invitation, user)) return seeOther(ctx, invitationPath(token))
  try {
    await web.joining[wanted]({ proof, userId: user.id, from: originOf(ctx) })
    seeOther(ctx, `/?notice=${ANSWERS[wanted]}`)
  } catch (error) {
    if (!isUsedUp(error)) throw error
    showOver(web, ctx, asked)
  }
}

/** Joining an account that a person who has a user was invited to. */
export function invitationRoutes(web: Web): Router {
  const router = new Router()
  router.get(INVITATION_PATH, (ctx) => show(web, ctx))
  router.post(INVITATION_PATH, (ctx) => answer(web, ctx))
  return router
}
