import type { Knex } from 'knex'
import { findAccountById } from '../accounts/accounts.ts'
import { PERMISSIONS } from '../accounts/permissions.ts'
import {
  checkInstanceChanges,
  getInstanceSettings,
  type InstanceChanges,
  type InstanceSettings,
  updateInstanceSettings,
} from '../clients/instance-settings.ts'
import { invalidInput } from '../shared/errors.ts'
import { isId } from '../shared/ids.ts'
import { activeTokensOf, type Bounded, boundedCountOf, toBounded } from './bounded-counts.ts'
import { type AffectedCallers, readAffected, toAffectedCallers } from './dry-run.ts'
import { CALLERS_OF_INSTANCE, INSTANCE_TARGET } from './dry-run-owner-targets.ts'
import { changeApiEnabled } from './instance-changes.ts'
import { MANAGEMENT_API } from './management-scopes.ts'
import { destructiveOperation, operation } from './operation.ts'

export const readInstance = operation<object, InstanceSettings>(
  PERMISSIONS.viewInstance,
  async ({ knex }) => await getInstanceSettings(knex),
)

const ACCOUNT = 'openRegistrationAccount'

type Opening = Pick<InstanceSettings, 'dynamicRegistration' | 'clientIdDocuments' | 'openRegistrationAccount'>

/** Whether the settings let strangers have applications that no account would hold. */
const lacksAccount = ({ dynamicRegistration, clientIdDocuments, openRegistrationAccount }: Opening): boolean =>
  openRegistrationAccount === null && (dynamicRegistration === 'open' || clientIdDocuments !== 'off')

/** What strangers register belongs to an account, and never calls the management API. @throws KeywrightError `invalid_input` */
async function checkOpenRegistration(knex: Knex, changes: InstanceChanges): Promise<void> {
  const { openRegistrationAccount: accountId, openRegistrationApis: apis } = changes
  if (apis?.includes(MANAGEMENT_API))
    throw invalidInput('an application that registers itself cannot call the management API', 'openRegistrationApis')
  if (accountId && isId(accountId) && !(await findAccountById(knex, accountId)))
    throw invalidInput('there is no such account', ACCOUNT)
  const present = await getInstanceSettings(knex)
  const {
    dynamicRegistration = present.dynamicRegistration,
    clientIdDocuments = present.clientIdDocuments,
    openRegistrationAccount = present.openRegistrationAccount,
  } = changes
  if (!lacksAccount(present) && lacksAccount({ dynamicRegistration, clientIdDocuments, openRegistrationAccount }))
    throw invalidInput('registration without a token needs an account that holds the applications', ACCOUNT)
}

/** Validates a change without making it. @throws KeywrightError `invalid_input`, with each error at its field */
export const checkInstance = operation<{ changes: InstanceChanges }, void>(
  PERMISSIONS.manageInstance,
  async ({ knex }, _, { changes }) => {
    checkInstanceChanges(changes)
    await checkOpenRegistration(knex, changes)
  },
)

/** @throws KeywrightError also `stale` */
export const updateInstance = operation<{ changes: InstanceChanges; revision?: number | undefined }, InstanceSettings>(
  PERMISSIONS.manageInstance,
  async ({ knex }, principal, { changes, revision }) =>
    knex.transaction(async (trx) => {
      await checkOpenRegistration(trx, changes)
      return await updateInstanceSettings(trx, changes, principal.actor, revision)
    }),
)

/** Whether the API of the instance is on, and what disabling it affects. */
export interface InstanceAvailability {
  readonly apiEnabled: boolean
  /** Active applications. */
  readonly applications: Bounded
  /** Active key pairs. */
  readonly keyPairs: Bounded
  readonly activeTokens: Bounded
  readonly affected: AffectedCallers
}

const activeOf = (kind: string) => boundedCountOf(`clients WHERE kind = '${kind}' AND status = 'active'`)

const AVAILABILITY = `
  SELECT i.api_enabled, (${activeOf('application')}) AS applications, (${activeOf('key_pair')}) AS key_pairs,
         (${activeTokensOf('true')}) AS active, (${CALLERS_OF_INSTANCE}) AS callers
    FROM instance_settings i`

export const readInstanceAvailability = operation<object, InstanceAvailability>(
  PERMISSIONS.viewInstance,
  async ({ knex }) => {
    const { rows } = await knex.raw(AVAILABILITY)
    const { api_enabled: apiEnabled, applications, key_pairs: keyPairs, active, callers } = rows[0]
    return {
      apiEnabled,
      applications: toBounded(applications),
      keyPairs: toBounded(keyPairs),
      activeTokens: toBounded(active),
      affected: toAffectedCallers(callers),
    }
  },
)

/** Disabling the API revokes all tokens at once, and no client gets a new one. */
export const setInstanceApi = destructiveOperation<{ enabled: boolean }, InstanceSettings, object>(
  PERMISSIONS.manageInstance,
  {
    run: async ({ knex }, principal, { enabled }) =>
      // In one transaction: nothing that the response needs may fail after the commit.
      await knex.transaction(async (trx) => {
        await changeApiEnabled(trx, enabled, principal.actor)
        return await getInstanceSettings(trx)
      }),
    affected: ({ knex }, principal) => readAffected(knex, principal, INSTANCE_TARGET),
  },
)
