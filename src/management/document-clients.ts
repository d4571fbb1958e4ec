import type { Knex } from 'knex'
import { CLIENT_ATTRIBUTES } from '../clients/client-attributes.ts'
import type { ClientIdDocument } from '../clients/client-id-documents.ts'
import { withVerification } from '../clients/client-rules.ts'
import { type Client, getClient } from '../clients/clients.ts'
import { describedChange, describedSettings, permitsClientId } from '../clients/described-registrations.ts'
import { hasOpenClients, insertDynamicRegistration, requireNewConsents } from '../clients/dynamic-registrations.ts'
import { getInstanceSettings, lockInstanceShared } from '../clients/instance-settings.ts'
import { isUniqueViolation } from '../database/violations.ts'
import { changesBetween } from '../shared/attributes.ts'
import { invalidInput, isStale, KeywrightError } from '../shared/errors.ts'
import { createClient, updateClient } from './client-registration.ts'
import { type Origin, REGISTRATION_ACTOR } from './dynamic-registration.ts'
import { MAX_OPEN_CLIENTS } from './permitted-registrations.ts'

/** A document names no secret. */
const registrationOf = ({ isPublic }: ClientIdDocument['settings']) => ({
  authMethod: isPublic ? 'none' : 'private_key_jwt',
  softwareId: null,
  softwareVersion: null,
})

async function insert(knex: Knex, clientId: string, settings: ClientIdDocument['settings'], origin: Origin) {
  await knex.transaction(async (trx) => {
    await lockInstanceShared(trx)
    const instance = await getInstanceSettings(trx)
    if (!permitsClientId(instance, clientId))
      throw new KeywrightError('forbidden', 'the operator does not permit this client ID')
    const { openRegistrationAccount: accountId, openRegistrationApis: apis, openRegistrationScopes: scopes } = instance
    if (await hasOpenClients(trx, accountId!, MAX_OPEN_CLIENTS))
      throw new KeywrightError('conflict', 'the account holds too many clients that nobody has looked at')
    const request = { clientId, accountId, settings: describedSettings(instance, settings), apis, scopes }
    const { client } = await createClient(trx, request, { ...REGISTRATION_ACTOR, ...origin })
    await insertDynamicRegistration(trx, client.key, 'metadata_document', registrationOf(settings))
  })
}

/** Whether there was no such client. */
async function inserted(...args: Parameters<typeof insert>): Promise<boolean> {
  try {
    await insert(...args)
    return true
  } catch (error) {
    if (isUniqueViolation(error, 'clients_client_id_unique')) return false
    throw error
  }
}

/** As at the registration endpoint. @throws KeywrightError `invalid_input` */
function checkMethod({ isPublic, authMethod }: Client, settings: ClientIdDocument['settings']): void {
  if (isPublic !== settings.isPublic || authMethod !== settings.authMethod)
    throw invalidInput('the document has another token_endpoint_auth_method than at first, which cannot be changed')
}

/** Stores what the document says otherwise than the client. Users are asked again before they are sent to other redirect URIs. */
async function change(knex: Knex, clientId: string, settings: ClientIdDocument['settings'], origin: Origin) {
  const before = await getClient(knex, clientId)
  checkMethod(before, settings)
  const after = describedChange(before, settings)
  const changes = changesBetween(CLIENT_ATTRIBUTES, before, { ...before, ...after })
  if (before.status !== 'active' || Object.keys(changes).length === 0) return
  await updateClient(
    knex,
    clientId,
    { settings: after },
    { type: 'client', id: clientId, ...origin },
    {
      expected: before.revision,
      complete: (locked, changed) => withVerification('admin', locked, changed),
      afterwards: (updated, trx, locked) => requireNewConsents(trx, locked, updated),
    },
  )
}

/**
 * Stores the client that a document describes, or what has changed in the document since it was stored; an archived client stays as it is.
 * The caller has signed a user in: before that nothing is stored.
 * @throws KeywrightError `forbidden` (the operator does not permit the client ID), `invalid_input`, `conflict` (the account or the API is
 * disabled, or the client is being deleted)
 */
export async function storeDocumentClient(
  knex: Knex,
  clientId: string,
  settings: ClientIdDocument['settings'],
  origin: Origin,
): Promise<void> {
  const isKnown = await knex('clients').where({ client_id: clientId }).first('id')
  if (!isKnown && (await inserted(knex, clientId, settings, origin))) return
  try {
    await change(knex, clientId, settings, origin)
  } catch (error) {
    if (!isStale(error)) throw error
    // Another sign-in has stored it meanwhile.
    await change(knex, clientId, settings, origin)
  }
}
