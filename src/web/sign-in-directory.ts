import type { Knex } from 'knex'
import { type AccountInvitation, listInvitations } from '../accounts/account-invitations.ts'
import { getAccount } from '../accounts/accounts.ts'
import { listSelectableAccounts, type SelectableAccount } from '../accounts/memberships.ts'
import { saveProfile } from '../accounts/user-administration.ts'
import type { Role } from '../accounts/user-attributes.ts'
import { listUserSessions, type UserSession } from '../accounts/user-sessions.ts'
import { findUserById, mayAct } from '../accounts/users.ts'
import { type DescribedScope, scopeTexts } from '../apis/scope-texts.ts'
import type { Actor } from '../audit/audit-log.ts'
import { listClientApis } from '../clients/client-apis.ts'
import { hostOfClientId, isClientIdUrl } from '../clients/client-id-urls.ts'
import { findLogo } from '../clients/client-logos.ts'
import { type Client, getClient } from '../clients/clients.ts'
import type { ConsoleSession } from '../clients/console-session-tickets.ts'
import { isOpenlyRegistered } from '../clients/dynamic-registrations.ts'
import { getInstanceSettings } from '../clients/instance-settings.ts'
import { findLatestDocument } from '../clients/stored-client-documents.ts'
import { type ConnectedApplication, listConnectedApplications } from '../consents/connected-applications.ts'
import { withdrawConsent } from '../consents/consents.ts'
import type { Database } from '../database/open-database.ts'
import type { LanguageCode } from '../languages/languages.ts'
import { KeywrightError } from '../shared/errors.ts'
import { isId } from '../shared/ids.ts'
import type { Image } from '../shared/images.ts'
import { type LinkedPages, linkedPagesOf } from './application-links.ts'
import { logoPath } from './application-logos.ts'
import type { InstanceBrand } from './brand.ts'
import { DEMO_CALLBACK } from './demo-callback.ts'
import { isLoopback } from './loopback-address.ts'

export interface WebUser {
  readonly id: string
  readonly email: string
  readonly emailVerified: boolean
  /** As they are called; absent where only the address is known. */
  readonly name?: string | null
  /** That they selected; null: none. */
  readonly language: LanguageCode | null
  readonly role: Role
  /** Null for an operator, who belongs to no account. */
  readonly accountId: string | null
  readonly accountName: string | null
  readonly hasOpenLeak: boolean
  readonly hasFailedWebhook: boolean
  readonly sessionsValidFrom: Date
}

/** A user in the browser they signed in with. */
export interface SignedInUser extends WebUser {
  /** When they last proved who they are. */
  readonly signedInAt: Date
  /** How: RFC 8176. */
  readonly amr: readonly string[]
  /** The identity at a provider that the session began with; null: it began with the user's own credentials, or at the product. */
  readonly identityId: string | null
  /** They have added a second factor since. */
  readonly lacksSecondFactor: boolean
  /** The owner of the mailbox has set up, or accepted, everything by which the user signs in. */
  readonly isProven: boolean
  /** The user is a member of other accounts as well. */
  readonly hasOtherAccounts: boolean
  /** The session is valid in this account only, and changes nothing that the user has outside it. */
  readonly isAccountFixed: boolean
  /** What the session is limited to; absent: the user signed in. */
  readonly consoleSession?: ConsoleSession
  /** The ID of the session in lists; null: it is not listed yet. */
  readonly sessionId: string | null
}

/**
 * Operators change how they sign in only when they signed in with their own credentials: who controls a provider of operators would else get
 * credentials that outlast the trust in the provider.
 */
export const needsOwnSignIn = ({ role, identityId }: Pick<SignedInUser, 'role' | 'identityId'>): boolean =>
  role === 'operator' && identityId !== null

export interface Application {
  readonly clientId: string
  readonly name: string
  readonly accountName: string | null
  readonly pages: LinkedPages
  /** The address of its logo. */
  readonly logo: string | null
  /** `#rrggbb`; null: that of the instance. */
  readonly accent: string | null
  /** An operator answers for who runs it: its logo may be where passwords are typed. */
  readonly isTrusted: boolean
  /** A stranger registered it, and no account answers for it. */
  readonly isSelfRegistered: boolean
  /** Of the document that describes it; null: it was registered. */
  readonly documentHost: string | null
  /** Every redirect URI leads to a program on the user's own machine, where another program can be. */
  readonly isOnLoopback: boolean
}

/** What the pages know of users and applications. */
export interface Directory {
  instanceBrand(): Promise<InstanceBrand>
  /** Undefined: there is none, or none who may act. @param accountId where; absent: in any of their accounts */
  user(userId: string, accountId?: string): Promise<WebUser | undefined>
  application(clientId: string): Promise<Application | undefined>
  /** The logo at this address. Undefined: there is none, or another one by now. */
  logo(clientId: string, etag: string): Promise<Image | undefined>
  /** The scopes of the demo application's default API. Undefined for any other application, whose scopes are not disclosed. */
  demoScopesOf(clientId: string): Promise<readonly string[] | undefined>
  /** In the given language, where there is a text in it. */
  scopeTexts(
    wanted: Readonly<Record<string, readonly string[]>>,
    language: LanguageCode,
  ): Promise<readonly DescribedScope[]>
  connections(userId: string): Promise<readonly ConnectedApplication[]>
  /** Invitations to accounts that a user may answer without a link. */
  invitations(userId: string): Promise<readonly AccountInvitation[]>
  /** The accounts that a user can select for their session, or can after they have proven their mailbox. */
  selectableAccounts(userId: string): Promise<readonly SelectableAccount[]>
  /** Where a user is signed in, the session that was used last first. */
  sessions(userId: string): Promise<readonly UserSession[]>
  /** Keeps the language that a user selected. */
  keepLanguage(selection: { userId: string; language: LanguageCode }, actor: Actor): Promise<void>
  /** A second time it does nothing. */
  withdraw(
    connection: { userId: string; clientId: string; accountId?: string | undefined },
    actor: Actor,
  ): Promise<void>
}

function absent(error: unknown): undefined {
  if (error instanceof KeywrightError && error.code === 'not_found') return undefined
  throw error
}

async function findActiveUser(knex: Knex, userId: string, accountId?: string): Promise<WebUser | undefined> {
  if (accountId !== undefined && !isId(accountId)) return undefined
  const user = await findUserById(knex, userId, accountId)
  return user && mayAct(user) ? user : undefined
}

const isOnLoopback = (redirectUris: readonly string[]): boolean =>
  redirectUris.length > 0 && redirectUris.map((uri) => URL.parse(uri)).every((url) => url !== null && isLoopback(url))

/** An application that is not stored, because no user has signed in: as its document says. */
async function findDescribedApplication(knex: Knex, clientId: string): Promise<Application | undefined> {
  const described = isClientIdUrl(clientId) ? await findLatestDocument(knex, clientId) : undefined
  return (
    described && {
      clientId,
      name: described.name,
      accountName: null,
      pages: linkedPagesOf(described),
      logo: null,
      accent: null,
      isTrusted: false,
      isSelfRegistered: true,
      documentHost: hostOfClientId(clientId),
      isOnLoopback: isOnLoopback(described.redirectUris),
    }
  )
}

async function findApplication(knex: Knex, clientId: string): Promise<Application | undefined> {
  const client = await getClient(knex, clientId).catch(absent)
  if (!client) return await findDescribedApplication(knex, clientId)
  const isSelfRegistered = await isOpenlyRegistered(knex, client.key)
  // The account that holds what strangers registered says nothing about them.
  const isOfAccount = client.accountId !== null && !isSelfRegistered
  const account = isOfAccount ? await getAccount(knex, client.accountId).catch(absent) : undefined
  return {
    clientId,
    name: client.name,
    accountName: account?.name ?? null,
    pages: linkedPagesOf(client),
    logo: client.logo && logoPath(clientId, client.logo),
    accent: client.accent,
    isTrusted: client.accountId === null || client.isVerified,
    isSelfRegistered,
    documentHost: isClientIdUrl(clientId) ? hostOfClientId(clientId) : null,
    isOnLoopback: isOnLoopback(client.redirectUris),
  }
}

/** On whichever port, and whether the issuer is configured or not, it comes back there. */
const isOfDemo = ({ status, redirectUris }: Client): boolean =>
  status === 'active' && redirectUris.some((uri) => URL.parse(uri)?.pathname === DEMO_CALLBACK)

async function findDemoScopes(knex: Knex, clientId: string): Promise<readonly string[] | undefined> {
  const client = await getClient(knex, clientId).catch(absent)
  if (!client || !isOfDemo(client)) return undefined
  const [api] = await listClientApis(knex, client.key)
  return api?.scopes ?? []
}

export function createDirectory({ knex, reader }: Pick<Database, 'knex' | 'reader'>): Directory {
  return {
    instanceBrand: () => getInstanceSettings(reader),
    user: (userId, accountId) => findActiveUser(reader, userId, accountId),
    application: (clientId) => findApplication(reader, clientId),
    logo: (clientId, etag) => findLogo(reader, clientId, etag),
    demoScopesOf: (clientId) => findDemoScopes(reader, clientId),
    scopeTexts: (wanted, language) => scopeTexts(reader, wanted, language),
    connections: (userId) => listConnectedApplications(reader, userId),
    invitations: (userId) => listInvitations(reader, userId),
    selectableAccounts: (userId) => listSelectableAccounts(reader, userId),
    sessions: (userId) => listUserSessions(reader, userId),
    async keepLanguage({ userId, language }, actor) {
      await saveProfile(knex, userId, { language }, actor)
    },
    async withdraw(connection, actor) {
      await withdrawConsent(knex, connection, actor).catch(absent)
    },
  }
}
