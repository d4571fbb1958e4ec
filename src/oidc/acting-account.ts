import type { KoaContextWithOIDC } from 'oidc-provider'
import { type AccountOfMember, listAccountsOf } from '../accounts/memberships.ts'
import type { AccountOfUser, User } from '../accounts/users.ts'
import type { Registration } from '../clients/registration.ts'
import { type Consent, listConsentsToClient, type Permissions } from '../consents/consents.ts'
import type { AccountChoice, ActingAccount } from './account-choice.ts'
import { covers, isUnprovenNative, requested, skipsConsent, type UserAccount } from './engine-consents.ts'
import { interactionResultOf } from './engine-internals.ts'
import type { BrowserSession } from './engine-sessions.ts'
import type { OidcServices } from './oidc-services.ts'
import { registrationOf } from './request-state.ts'

interface Asked {
  readonly user: User & AccountOfUser
  readonly registration: Registration
  readonly wanted: Permissions
  readonly session: BrowserSession
  /** The consent page is shown even if everything was allowed before. */
  readonly isPageWanted: boolean
  /** `prompt=none` */
  readonly isPageForbidden: boolean
}

/** The account that the request names, or that the user has just chosen. */
function namedAccount(ctx: KoaContextWithOIDC): string | undefined {
  const { account_id: named } = (ctx.oidc.params ?? {}) as { account_id?: string }
  return named ?? interactionResultOf(ctx).actingFor?.id
}

/** Whether the user must choose again (`prompt=select_account`). */
const mustChoose = ({ oidc }: KoaContextWithOIDC): boolean => oidc.params?.account_selection !== undefined

interface Consents {
  readonly consents: readonly Consent[]
}

/** What is known of the user's accounts. */
interface Known extends Consents {
  readonly accounts: readonly AccountOfMember[]
}

/** Whether nothing has to be allowed for an account. */
function isReady(
  accountId: string | null,
  { consents }: Consents,
  { registration, wanted, isPageWanted }: Asked,
): boolean {
  if (skipsConsent(registration, accountId, wanted)) return true
  return !isPageWanted && consents.some((consent) => consent.accountId === accountId && covers(consent, wanted))
}

/** The accounts in which the user may act in this session; if they are too many, at least those that the decision depends on. */
async function accountsOf(
  { database }: OidcServices,
  asked: Asked,
  { named, consents }: Consents & { readonly named: string | undefined },
): Promise<AccountOfMember[]> {
  const { user, session, registration } = asked
  const { accountId, accountName, role } = user
  const present = { accountId: accountId!, accountName: accountName!, role: role as AccountOfMember['role'] }
  if (session.account?.isFixed || !user.hasOtherAccounts) return [present]
  const ready = consents.filter((consent) => isReady(consent.accountId, { consents }, asked))
  const used = usedIn(asked, { consents })
  const first = [named, accountId, registration.accountId, used?.accountId, ...ready.map((one) => one.accountId)]
  const ids = first.filter((id) => typeof id === 'string')
  return await listAccountsOf(database.reader, user.id, ids)
}

const usedIn = ({ session, registration }: Asked, { consents }: Consents): Consent | undefined =>
  consents.find(({ id }) => id === session.grantIdFor(registration.clientId))

/**
 * The account that this session has used with the application, or else the only one that was allowed. Where the consent page is shown
 * anyway, it asks for the account too.
 */
function rememberedAccount(known: Known, asked: Asked): string | undefined {
  const used = usedIn(asked, known)
  if (used && (asked.isPageForbidden || isReady(used.accountId, known, asked))) return used.accountId!
  const [only, ...others] = known.consents.filter(({ accountId }) => isReady(accountId, known, asked))
  return others.length === 0 ? (only?.accountId ?? undefined) : undefined
}

const choiceOf = (known: Known, asked: Asked): AccountChoice => ({
  accounts: known.accounts,
  selected: usedIn(asked, known)?.accountId ?? asked.user.accountId!,
  isAlone: known.accounts.some(({ accountId }) => isReady(accountId, known, asked)),
})

/** Decides for which account the signed-in user acts, or that the user must choose. */
export async function findActingAccount(ctx: KoaContextWithOIDC, services: OidcServices): Promise<ActingAccount> {
  const { user } = ctx.oidc.account as unknown as UserAccount
  const registration = registrationOf(ctx.oidc.client!)
  const session = ctx.oidc.session as unknown as BrowserSession
  const asked = {
    user,
    registration,
    session,
    wanted: requested(ctx),
    isPageWanted: ctx.oidc.promptPending('consent') || isUnprovenNative(ctx),
    isPageForbidden: ctx.oidc.promptPending('none'),
  }
  const named = namedAccount(ctx)
  const all = await listConsentsToClient(services.database.knex, user.id, registration.key)
  if (user.accountId === null) return named === undefined ? { accountId: null, consent: all[0] } : { isRefused: true }
  const accounts = await accountsOf(services, asked, { named, consents: all })
  const consents = all.filter((consent) => accounts.some(({ accountId }) => accountId === consent.accountId))
  const known = { accounts, consents }
  const only = accounts.length === 1 ? accounts[0]!.accountId : undefined
  const decided = named ?? only ?? (mustChoose(ctx) ? undefined : rememberedAccount(known, asked))
  if (decided === undefined) return { choice: choiceOf(known, asked) }
  const account = accounts.find(({ accountId }) => accountId === decided)
  if (!account) return { isRefused: true }
  return {
    accountId: account.accountId,
    ...(accounts.length > 1 && { name: account.accountName }),
    consent: consents.find(({ accountId }) => accountId === account.accountId),
  }
}
