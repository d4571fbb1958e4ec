import Router from '@koa/router'
import type { Context } from 'koa'
import type { AccountInvitation } from '../accounts/account-invitations.ts'
import { listEarlierCredentials } from '../management/earlier-credentials.ts'
import type { InvitationProof, JoinCondition } from '../management/joining.ts'
import { isId } from '../shared/ids.ts'
import { type EarlierProblem, earlierAnswerIn, earlierProblem, mayDecide } from './earlier-credentials-form.ts'
import { invitationOverPage, invitationPage, mayAnswer } from './invitation-pages.ts'
import { INVITATION_PATH, invitationPath } from './invitation-paths.ts'
import { isUsedUp, tokenIn } from './link-tokens-in-requests.ts'
import { translateFor } from './page-language.ts'
import type { SignedInUser } from './sign-in-directory.ts'
import { confirmPathTo, seeOther, showSignIn, signInPathTo } from './sign-in-routes.ts'
import { loginOf } from './sign-in-steps.ts'
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

/** What the user has to do before they join; for others, it is not known. */
const conditionOf = (web: Web, { proof, user, invitation }: Asked): JoinCondition =>
  user && invitation && mayAnswer(invitation, user) ? web.joining.conditionOf(proof, user.isProven) : 'none'

const earlierOf = (web: Web, { id: userId, sessionId }: SignedInUser) =>
  listEarlierCredentials(web.management.knex, userId, sessionId)

async function showInvitation(web: Web, ctx: Context, asked: Asked, problem: EarlierProblem = {}): Promise<void> {
  const { token, user, invitation } = asked
  const condition = conditionOf(web, asked)
  const decides = user && condition === 'earlier_credentials'
  if (decides && !mayDecide(user)) return seeOther(ctx, confirmPathTo(invitationPath(token)))
  const earlier = decides ? await earlierOf(web, user) : undefined
  web.show(ctx, invitationPage(translateFor(ctx), invitation!, { token, user, condition, earlier, ...problem }))
}

/** Opening a link changes nothing: mail scanners open links too. */
async function show(web: Web, ctx: Context): Promise<void> {
  const asked = await find(web, ctx, tokenIn(ctx.query.token))
  if (asked.invitation) await showInvitation(web, ctx, asked)
  else showOver(web, ctx, asked)
}

/** Joins, if the user has met the condition; otherwise shows what it is. */
async function join(web: Web, ctx: Context, asked: Asked, user: SignedInUser): Promise<void> {
  const { proof } = asked
  const condition = conditionOf(web, asked)
  const decides = condition === 'earlier_credentials'
  if (condition === 'proof_of_mailbox' || (decides && !mayDecide(user))) return await showInvitation(web, ctx, asked)
  const found = decides ? await earlierOf(web, user) : undefined
  const earlier = found && earlierAnswerIn(translateFor(ctx), ctx.state.form, found, user.sessionId)
  if (decides && !earlier) return await showInvitation(web, ctx, asked)
  if (earlier && 'errors' in earlier) return await showInvitation(web, ctx, asked, earlier)
  const joined = await web.joining.join({ proof, user, from: originOf(ctx), earlier })
  // Sessions may have ended; who decided keeps this browser's. It is no new sign-in.
  if (decides) await web.flow.signIn(ctx, { ...loginOf(joined, user.amr), signedInAt: user.signedInAt })
  seeOther(ctx, '/?notice=joined')
}

async function decline(web: Web, ctx: Context, { proof }: Asked, user: SignedInUser): Promise<void> {
  await web.joining.decline({ proof, user, from: originOf(ctx) })
  seeOther(ctx, '/?notice=declined')
}

const ANSWERS = { join, decline } as const

const isAnswer = (text: string | null): text is keyof typeof ANSWERS => text !== null && Object.hasOwn(ANSWERS, text)

/** The user joins or declines; or they sign in as another user first. */
async function answer(web: Web, ctx: Context): Promise<void> {
  const { form } = ctx.state
  const asked = await find(web, ctx, tokenIn(form.get('token')))
  const { invitation, user, token } = asked
  if (!invitation) return showOver(web, ctx, asked)
  const wanted = form.get('answer') ?? null
  if (!isAnswer(wanted)) return showSignIn(web, ctx, invitationPath(token), invitation.email)
  if (!user || !mayAnswer(invitation, user)) return seeOther(ctx, invitationPath(token))
  try {
    await ANSWERS[wanted](web, ctx, asked, user)
  } catch (error) {
    const problem = earlierProblem(translateFor(ctx), error)
    if (problem) return await showInvitation(web, ctx, asked, problem)
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
