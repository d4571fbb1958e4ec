import { afterAll, beforeAll, expect, test } from 'vitest'
import { KEY_PAIR_ATTRIBUTES } from '../../src/clients/client-attributes.ts'
import { generateKeyPair } from '../../src/management/key-pair-operations.ts'
import { readKeyPairForm, updateKeyPair } from '../../src/management/key-pair-settings.ts'
import { MANAGEMENT_API } from '../../src/management/management-scopes.ts'
import type { Principal } from '../../src/management/principal.ts'
import { namesOf } from '../../src/shared/attributes.ts'
import { adminOf, openManagement, operator } from './principals.ts'

let on: Awaited<ReturnType<typeof openManagement>>
let account: string
let owner: Principal
let clientId: string

beforeAll(async () => {
  on = await openManagement()
  account = await on.make.account()
  owner = adminOf(account, (await on.make.user(account, 'admin')).id)
  clientId = (await generateKeyPair(on.management, owner, {})).clientId
})
afterAll(async () => await on.close())

const update = (who: Principal, settings: object, more: object = {}) =>
  updateKeyPair(on.management, who, { clientId, settings, ...more })

test('the owner and an operator change the settings of a key pair; nobody else does', async () => {
  expect(await update(owner, { accessTokenTtl: 900 })).toMatchObject({ client: { accessTokenTtl: 900 } })
  expect(await update(operator, { queryCredentials: true })).toMatchObject({ client: { queryCredentials: true } })
  await expect(update(adminOf(account), { accessTokenTtl: 60 })).rejects.toMatchObject({ code: 'forbidden' })
  const stranger = adminOf(await on.make.account())
  await expect(update(stranger, { accessTokenTtl: 60 })).rejects.toMatchObject({ code: 'not_found' })
  const application = await on.make.register({ account })
  const other = updateKeyPair(on.management, operator, { clientId: application.clientId, settings: {} })
  await expect(other).rejects.toMatchObject({ code: 'not_found' })
  const [event] = await on
    .knex('audit_log')
    .where({ target_id: clientId, action: 'client.updated' })
    .orderBy('id')
    .limit(1)
  expect(event.detail).toEqual({ changes: { access_token_ttl: { from: null, to: 900 } } })
})

test('settings that concern users who sign in are no settings of a key pair, and admins leave those of operators alone', async () => {
  expect(namesOf(KEY_PAIR_ATTRIBUTES)).not.toEqual(
    expect.arrayContaining([
      expect.stringMatching(/^(grants|consent|refreshTokenMaxAge|refreshTokens|pkceRequired|accessType)$/),
    ]),
  )
  for (const settings of [{ grants: ['authorization_code'] }, { refreshTokenMaxAge: 60 }, { name: 'x' }])
    await expect(update(operator, settings)).rejects.toMatchObject({ code: 'invalid_input' })
  await expect(update(owner, { rateLimit: { count: 1, period: 1 } })).rejects.toMatchObject({ code: 'forbidden' })
  await expect(update(owner, { accessTokenTtl: 1 })).rejects.toMatchObject({ code: 'invalid_input' })
})

test('a change of an earlier revision of a key pair is refused', async () => {
  const { client } = await readKeyPairForm(on.management, owner, { clientId })
  await update(owner, { accessTokenTtl: 1200 })
  const late = update(owner, { accessTokenTtl: 1800 }, { revision: client.revision })
  await expect(late).rejects.toMatchObject({ code: 'stale' })
})

test('the form offers the APIs that the key pair may call, without the scopes that only operators use', async () => {
  const api = await on.make.api({ keyPairs: 'environments' })
  const request = { pairName: 'Shop', environment: 'test' as const, apis: [api.identifier] }
  const named = await generateKeyPair(on.management, owner, request)
  const formOf = (who: Principal, id: string) => readKeyPairForm(on.management, who, { clientId: id })
  expect((await formOf(owner, named.clientId)).choosableApis).toMatchObject([{ identifier: api.identifier }])
  const scopesFor = async (who: Principal) =>
    (await formOf(who, clientId)).choosableApis.find(({ identifier }) => identifier === MANAGEMENT_API)!.scopes
  const own = (await scopesFor(owner)).map(({ scope }) => scope)
  expect([own.includes('key_pairs:read'), own.includes('instance:write')]).toEqual([true, false])
  expect((await scopesFor(operator)).map(({ scope }) => scope)).toContain('instance:write')
  expect((await formOf(adminOf(account), clientId)).mayEdit).toBe(false)
})
