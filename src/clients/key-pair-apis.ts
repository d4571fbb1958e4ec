import type { Knex } from 'knex'
import type { KeyPairPolicy } from '../apis/api-attributes.ts'
import { type Api, lockApisShared } from '../apis/apis.ts'
import { type FieldError, invalidFields } from '../shared/errors.ts'
import { identifiersOf } from './client-apis.ts'
import type { PairIdentity } from './clients.ts'

/** Whether the key pair may call an API with this policy. The default pair may call each API. */
export const isPairAllowed = ({ pairName, environment }: PairIdentity, policy: KeyPairPolicy): boolean =>
  pairName === null || policy === (environment === null ? 'named' : 'environments')

const MESSAGES: Readonly<Record<KeyPairPolicy, string>> = {
  one: 'allows no named key pairs',
  named: 'has no environments; leave the environment out',
  environments: 'needs an environment: live or test',
}

const errorOf = ({ identifier, keyPairs }: Api): FieldError => ({
  field: keyPairs === 'one' ? 'apis' : 'environment',
  message: `${identifier} ${MESSAGES[keyPairs]}`,
})

/** @throws KeywrightError `invalid_input` for each API that the key pair may not call */
export function checkPairApis(pair: PairIdentity, apis: readonly Api[]): void {
  const refused = apis.filter(({ keyPairs }) => !isPairAllowed(pair, keyPairs))
  if (refused.length > 0) throw invalidFields(refused.map(errorOf))
}

/** Checks the stored APIs of a key pair, which stay as they are until the transaction ends. @throws as `checkPairApis` */
export async function checkStoredPairApis(trx: Knex, pair: PairIdentity & { readonly key: number }): Promise<void> {
  if (pair.pairName !== null) checkPairApis(pair, await lockApisShared(trx, await identifiersOf(trx, pair.key)))
}

/** At most five active key pairs that may call the API now, and could not with this policy. */
export async function pairsBeyondPolicy(trx: Knex, { id }: Api, policy: KeyPairPolicy): Promise<string[]> {
  const pairs = trx('clients').join('client_apis', 'client_apis.client_id', 'clients.id')
  pairs.where({ 'client_apis.api_id': id, 'clients.kind': 'key_pair', 'clients.status': 'active' })
  pairs.whereNotNull('clients.pair_name')
  if (policy === 'named') pairs.whereNotNull('clients.environment')
  if (policy === 'environments') pairs.whereNull('clients.environment')
  return await pairs.orderBy('clients.id').limit(5).pluck('clients.client_id')
}
