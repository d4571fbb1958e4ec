import type { Knex } from 'knex'
import { PERMISSIONS } from '../accounts/permissions.ts'
import type { AuthMethod } from '../clients/authentication-attributes.ts'
import { checkSettingsChange, withVerification } from '../clients/client-rules.ts'
import type { ClientSettings } from '../clients/client-settings.ts'
import { type Client, type ClientRow, toClient } from '../clients/clients.ts'
import {
  type DynamicRegistration,
  isDynamicallyRegistered,
  presentRegistration,
  REGISTRATION_OF_CLIENT,
} from '../clients/dynamic-registrations.ts'
import { invalidInput, notFound } from '../shared/errors.ts'
import { activeTokensOf, type Bounded, boundedCountOf, toBounded } from './bounded-counts.ts'
import {
  APIS_OF_CLIENT,
  CALLERS_OF_CLIENT,
  type Caller,
  type ClientApiView,
  KEY_FETCH_OF_CLIENT,
  type KeyFetch,
  lastUseOf,
  SECRETS_OF_CLIENT,
  type SecretView,
} from './client-parts.ts'
import { updateClient } from './client-registration.ts'
import { checkSecretRotation, type RotationOptions, rotateSecret } from './client-secret-rotation.ts'
import { changeClientStatus, restoreClient } from './client-status.ts'
import { type CredentialInput, parseCredentials } from './credential-input.ts'
import { checkMayAllowApis, checkMayChange, mayChangeCheck } from './developer-limits.ts'
import { readAffected } from './dry-run.ts'
import { applicationTarget } from './dry-run-targets.ts'
import { checkExchangeSources } from './exchange-checks.ts'
import type { NewSecrets } from './issued-credentials.ts'
import { visibleApi } from './management-scopes.ts'
import { destructiveOperation, type Management, operation } from './operation.ts'
import type { Principal } from './principal.ts'
import { applicationFor, checkTenant } from './tenant-isolation.ts'

/** An application with its APIs, its use, and what may be shown of its secrets. */
export interface Application {
  readonly client: Client
  /** When it last obtained a token or authenticated; for a public client within the last 30 days. */
  readonly lastUsedAt: Date | null
  readonly accountName: string | null
  readonly apis: readonly ClientApiView[]
  readonly secrets: readonly SecretView[]
  /** Null: it does not publish its keys. */
  readonly keyFetch: KeyFetch | null
  readonly activeTokens: Bounded
  /** Active refresh tokens. */
  readonly grants: Bounded
  /** Users who have consented. */
  readonly users: Bounded
  readonly callers: readonly Caller[]
  /** Null: the application did not register itself (RFC 7591). */
  readonly registration: DynamicRegistration | null
  /** False while the API of the instance or of the account is off. */
  readonly apiEnabled: boolean
  /** APIs that it could be allowed to call. */
  readonly choosableApis: readonly { readonly identifier: string; readonly scopes: readonly string[] }[]
}

const READ = `
  SELECT c.*, a.name AS account_name, ${lastUseOf('c')} AS last_used_at, (${APIS_OF_CLIENT}) AS apis, (${SECRETS_OF_CLIENT}) AS secrets,
         (${KEY_FETCH_OF_CLIENT}) AS key_fetch, (${REGISTRATION_OF_CLIENT}) AS registration,
         (${CALLERS_OF_CLIENT}) AS callers, (${activeTokensOf('t.client_key = c.id')}) AS active,
         (${boundedCountOf('active_refresh_tokens r WHERE r.client_id = c.id')}) AS active_grants,
         (${boundedCountOf('consents s WHERE s.client_id = c.id')}) AS users,
         (SELECT i.api_enabled FROM instance_settings i)
           AND coalesce(a.api_enabled AND a.status = 'active', true) AS api_enabled,
         (SELECT json_agg(json_build_object('identifier', p.identifier, 'scopes', p.scopes)
                          ORDER BY p.is_default DESC, p.identifier) FROM apis p) AS choosable
    FROM clients c
    LEFT JOIN accounts a ON a.id = c.account_id
   WHERE c.client_id = ? AND c.kind = 'application'`

interface ApplicationRow extends ClientRow {
  account_name: string | null
  last_used_at: Date | null
  apis: ClientApiView[] | null
  secrets: SecretView[] | null
  key_fetch: KeyFetch | null
  callers: Caller[] | null
  registration: DynamicRegistration | null
  active: number
  active_grants: number
  users: number
  api_enabled: boolean
  choosable: Application['choosableApis'] | null
}

const toApplication = (row: ApplicationRow, principal: Principal): Application => ({
  client: toClient(row),
  accountName: row.account_name,
  lastUsedAt: row.last_used_at,
  apis: (row.apis ?? []).map((api) => visibleApi(api, principal)),
  secrets: row.secrets ?? [],
  keyFetch: row.key_fetch,
  activeTokens: toBounded(row.active),
  grants: toBounded(row.active_grants),
  users: toBounded(row.users),
  callers: row.callers ?? [],
  registration: row.registration && presentRegistration(toClient(row), row.registration),
  apiEnabled: row.api_enabled,
  choosableApis: (row.choosable ?? []).map((api) => visibleApi(api, principal)),
})

interface ApplicationSelector {
  readonly clientId: string
}

export const readApplication = operation<ApplicationSelector, Application>(
  PERMISSIONS.viewApplications,
  async ({ knex }, principal, { clientId }) => {
    const { rows } = await knex.raw(READ, [clientId])
    const row: ApplicationRow | undefined = rows[0]
    if (!row) throw notFound('client', clientId)
    checkTenant(principal, row.account_id, 'client', clientId)
    return toApplication(row, principal)
  },
)

/** Settings and access of an application. What is left out stays unchanged, or takes the instance's default. */
export interface ApplicationChange {
  readonly settings: Partial<ClientSettings>
  /** Identifiers of APIs, the default first. */
  readonly apis?: readonly string[] | undefined
  /** Null: all scopes of its APIs, also those added later. */
  readonly scopes?: readonly string[] | null | undefined
}

export type CreatedApplication = NewSecrets & { readonly client: Client }

interface ApplicationUpdate extends ApplicationSelector, ApplicationChange {
  /** The revision that the caller read; absent: any revision. */
  readonly revision?: number | undefined
}

/** @throws KeywrightError also `stale` */
export const updateApplication = operation<ApplicationUpdate, { client: Client; apiKey?: string }>(
  PERMISSIONS.manageApplications,
  async ({ knex }, principal, { clientId, revision, settings, apis, scopes }) => {
    checkMayAllowApis(principal, apis)
    await applicationFor(knex, principal, clientId)
    const change = { settings, ...(apis && { apis }), ...(scopes !== undefined && { scopes }) }
    const check = async (before: Client, trx: Knex) => {
      await checkMayChange(trx, principal, before)
      checkSettingsChange(principal.role, before, settings)
      await checkExchangeSources(trx, principal, settings, before.exchangeFrom)
      if (settings.consent && settings.consent !== 'show' && (await isDynamicallyRegistered(trx, before.key)))
        throw invalidInput('an application that registered itself always asks for consent', 'consent')
    }
    const complete = (before: Client, changes: Partial<ClientSettings>) =>
      withVerification(principal.role, before, changes)
    return await updateClient(knex, clientId, change, principal.actor, { expected: revision, check, complete })
  },
)

/** Revokes all tokens of the application at once. */
export const archiveApplication = destructiveOperation<ApplicationSelector, Client>(PERMISSIONS.manageApplications, {
  async run({ knex }, principal, { clientId }) {
    await applicationFor(knex, principal, clientId)
    return await changeClientStatus(knex, clientId, 'archived', principal.actor)
  },
  async affected({ knex }, principal, { clientId }) {
    await applicationFor(knex, principal, clientId)
    return await readAffected(knex, principal, applicationTarget(principal, clientId))
  },
})

/** Restores the application with a new secret, unless the former one is kept. Revoked tokens stay revoked. */
export const restoreApplication = operation<ApplicationSelector & { keepSecret: boolean }, CreatedApplication>(
  PERMISSIONS.manageApplications,
  async ({ knex }, principal, { clientId, keepSecret }) => {
    await applicationFor(knex, principal, clientId)
    return await restoreClient(knex, clientId, { keepSecret, check: mayChangeCheck(principal) }, principal.actor)
  },
)

interface SecretRotation
  extends ApplicationSelector,
    CredentialInput,
    Pick<RotationOptions, 'unusedHours' | 'expiresAt'> {
  /** Seconds for which the former secret still works; 0: it stops at once, and its tokens are revoked. */
  readonly overlap: number
  /** How the application authenticates from now on; undefined: as before. */
  readonly authMethod?: AuthMethod | undefined
  /** Where the application publishes its public keys from now on. */
  readonly jwksUri?: string | undefined
  readonly revision?: number | undefined
}

/** @throws KeywrightError `not_found`, `forbidden`, `invalid_input` */
async function rotationOf(
  { knex }: Management,
  principal: Principal,
  { clientId, revision, ...given }: SecretRotation,
) {
  const { overlap: _, unusedHours, expiresAt, jwksUri, authMethod, ...input } = given
  const present = await applicationFor(knex, principal, clientId)
  const credentials = await parseCredentials(authMethod ?? present.authMethod, input)
  const check = mayChangeCheck(principal)
  return { unusedHours, expiresAt, authMethod, jwksUri, ...credentials, expected: revision, check }
}

/** Checks a rotation without making it. @throws KeywrightError as `rotateApplicationSecret` */
export const checkApplicationRotation = operation<SecretRotation, void>(
  PERMISSIONS.manageApplications,
  async (management, principal, rotation) => {
    const rules = await rotationOf(management, principal, rotation)
    await checkSecretRotation(management.knex, rotation.clientId, rotation.overlap, rules)
  },
)

/** With an overlap, its dry run describes what the end of the overlap affects. */
export const rotateApplicationSecret = destructiveOperation<SecretRotation, CreatedApplication, ApplicationSelector>(
  PERMISSIONS.manageApplications,
  {
    async run(management, principal, rotation) {
      const { clientId, overlap } = rotation
      const rules = await rotationOf(management, principal, rotation)
      return await rotateSecret(management.knex, clientId, overlap, principal.actor, rules)
    },
    async affected({ knex }, principal, { clientId }) {
      await applicationFor(knex, principal, clientId)
      return await readAffected(knex, principal, applicationTarget(principal, clientId))
    },
  },
)
