import Router from '@koa/router'
import { USER_ATTRIBUTES } from '../accounts/user-attributes.ts'
import { translateLayoutTo } from '../languages/console/console-translator.ts'
import { notFound } from '../shared/errors.ts'
import { valueText } from './console/kit/attribute-facts.ts'
import { inOwnAccount } from './console/kit/console-page.ts'
import { renewCsrfToken } from './csrf.ts'
import { SWITCH_ACCOUNT_PATH, VERIFICATION_PATH } from './own-paths.ts'
import { translateFor } from './page-language.ts'
import { type PersonalStep, signedIn } from './personal-steps.ts'
import { seeOther } from './sign-in-routes.ts'
import { loginOf } from './sign-in-steps.ts'
import type { Web } from './web-services.ts'

const showAccounts =
  (web: Web): PersonalStep =>
  async (ctx, user) => {
    const t = translateFor(ctx)
    const gettext = translateLayoutTo(t.language)
    const all = await web.directory.selectableAccounts(user.id)
    const accounts = all
      .filter(({ waitsFor }) => waitsFor === null)
      .map(({ accountId, accountName, role }) => ({
        id: accountId,
        name: accountName,
        role: valueText(gettext, USER_ATTRIBUTES.role, role),
        isCurrent: accountId === user.accountId,
      }))
    const waiting = all
      .filter(({ waitsFor }) => waitsFor !== null)
      .map(({ accountName: account, waitsFor }) => ({ account, needsProof: waitsFor === 'proof_of_mailbox' }))
    const data = { accounts, waiting, email: user.email, verificationPath: VERIFICATION_PATH }
    const page = { view: 'switch-account', title: t('accounts.switch'), lead: t('accounts.lead'), data }
    web.show(ctx, inOwnAccount(t, page))
  }

/** The session goes on in another account. Forms of the former account, in other tabs, are not accepted any more. */
const switchAccount =
  (web: Web): PersonalStep =>
  async (ctx, user) => {
    const member = await web.directory.user(user.id, ctx.state.form.get('account') ?? '')
    if (!member?.accountId) throw notFound('account of yours', 'with this id')
    const login = { ...loginOf(user, user.amr), signedInAt: user.signedInAt }
    await web.flow.signIn(ctx, { ...login, account: { id: member.accountId, isFixed: false } })
    renewCsrfToken(ctx)
    seeOther(ctx, '/?notice=account-switched')
  }

/** The account in which a user acts, of those that they belong to. */
export function switchAccountRoutes(web: Web): Router {
  const router = new Router()
  router.get(SWITCH_ACCOUNT_PATH, signedIn(web, showAccounts(web)))
  router.post(SWITCH_ACCOUNT_PATH, signedIn(web, switchAccount(web)))
  return router
}
