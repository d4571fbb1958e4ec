/** Clients and accounts that may request tokens only from some networks. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { getClient } from '../../src/clients/clients.ts'
import { changeAccountValues } from '../../src/management/account-changes.ts'
import { updateClient } from '../../src/management/client-registration.ts'
import { assertionForm, newClientKey, signAssertion } from '../support/client-assertions.ts'
import { ACTOR } from '../support/factory.ts'
import { type Keywright, startKeywright } from '../support/keywright.ts'
import { type Credentials, claimsOf, type FormData } from '../support/requests.ts'

const INSIDE = '192.0.2.7'
const OUTSIDE = '198.51.100.1'
const NETWORKS = ['192.0.2.0/24', '2001:db8::/32']

let server: Keywright
let api: Credentials & { identifier: string }

beforeAll(async () => {
  server = await startKeywright({ env: { TRUST_PROXY: 'on' } })
  api = await server.make.api()
})

afterAll(async () => {
  await server.stop()
})

const from = (address: string) => ({ headers: { 'x-forwarded-for': address } })

const tokenFrom = (address: string, client: Credentials, form: FormData = {}) =>
  server.machineToken(client, form, from(address))

const REFUSED = {
  status: 401,
  body: { error: 'invalid_client', error_description: 'the client may not request tokens from this network' },
}

test.each([
  ['on the fast path', {}],
  ['through the engine', { clientCredentialsRefresh: true }],
])('a client gets tokens from its allowed networks only, %s', async (_path, settings) => {
  const client = await server.make.client({ ...settings, allowedNetworks: NETWORKS }, [api.identifier])
  for (const address of [INSIDE, '2001:db8::1', `[2001:db8::1]:4711`]) {
    expect((await tokenFrom(address, client)).status, address).toBe(200)
  }
  for (const address of [OUTSIDE, '2001:db9::1', '127.0.0.1', 'unknown', '']) {
    expect(await tokenFrom(address, client), address).toMatchObject(REFUSED)
  }
})

test('a refresh token is refused from another network, and stays valid', async () => {
  const client = await server.make.client({ clientCredentialsRefresh: true, allowedNetworks: NETWORKS }, [
    api.identifier,
  ])
  const { body } = await tokenFrom(INSIDE, client)
  const form = { grant_type: 'refresh_token', refresh_token: body.refresh_token }
  expect(await server.token(form, { basic: client, ...from(OUTSIDE) })).toMatchObject(REFUSED)
  expect((await server.token(form, { basic: client, ...from(INSIDE) })).status).toBe(200)
})

test('a public client is refused from another network before its code is redeemed', async () => {
  const settings = { grants: ['authorization_code'], redirectUris: ['https://app.example.com/cb'], isPublic: true }
  const { clientId } = await server.make.client({ ...settings, allowedNetworks: NETWORKS }, [api.identifier])
  const form = {
    grant_type: 'authorization_code',
    client_id: clientId,
    code: 'x',
    redirect_uri: settings.redirectUris[0]!,
  }
  expect(await server.token(form, from(OUTSIDE))).toMatchObject(REFUSED)
  expect(await server.token(form, from(INSIDE))).toMatchObject({ status: 400, body: { error: 'invalid_grant' } })
})

test('a wrong client secret gets the same response from every network', async () => {
  const { clientId } = await server.make.client({ allowedNetworks: NETWORKS }, [api.identifier])
  const { clientSecret } = await server.make.client()
  const answers = await Promise.all([INSIDE, OUTSIDE].map((one) => tokenFrom(one, { clientId, clientSecret })))
  expect(answers[0]!.body.error_description).toBe('client authentication failed')
  expect(answers[1]).toMatchObject({ status: 401, body: answers[0]!.body })
})

test('the networks of an account limit all its clients, in addition to their own', async () => {
  const account = await server.make.account()
  const free = await server.make.register({ account, apis: [api.identifier] })
  const limited = await server.make.register({
    account,
    apis: [api.identifier],
    settings: { allowedNetworks: ['192.0.2.0/25', '10.0.0.0/8'] },
  })
  const { knex } = server
  expect((await tokenFrom(OUTSIDE, free)).status).toBe(200)
  await changeAccountValues(knex, account, { allowedNetworks: ['192.0.2.0/24'] }, ACTOR)
  expect(await tokenFrom(OUTSIDE, free)).toMatchObject(REFUSED)
  expect((await tokenFrom('192.0.2.200', free)).status).toBe(200)
  expect((await tokenFrom(INSIDE, limited)).status).toBe(200)
  expect(await tokenFrom('192.0.2.200', limited)).toMatchObject(REFUSED)
  expect(await tokenFrom('10.0.0.1', limited)).toMatchObject(REFUSED)
  await changeAccountValues(knex, account, { allowedNetworks: null }, ACTOR)
  expect((await tokenFrom(OUTSIDE, free)).status).toBe(200)
})

test('a network that is added works at once, also where the client was refused before', async () => {
  const client = await server.make.client({ allowedNetworks: ['192.0.2.0/24'] }, [api.identifier])
  expect((await tokenFrom(INSIDE, client)).status).toBe(200)
  expect(await tokenFrom(OUTSIDE, client)).toMatchObject(REFUSED)
  const settings = { allowedNetworks: ['192.0.2.0/24', '198.51.100.0/24'] }
  await updateClient(server.knex, client.clientId, { settings }, ACTOR)
  expect((await tokenFrom(OUTSIDE, client)).status).toBe(200)
})

test('a network that is added works at once for a client that authenticates by a private key', async () => {
  const key = await newClientKey()
  const settings = { authMethod: 'private_key_jwt', allowedNetworks: ['192.0.2.0/24'] } as const
  const { clientId } = await server.make.register({ settings, apis: [api.identifier], keys: key.parsed })
  const tokenBy = async (address: string) => {
    const assertion = await signAssertion(key, { clientId, audience: server.issuer })
    return await server.token({ grant_type: 'client_credentials', ...assertionForm(assertion) }, from(address))
  }
  expect((await tokenBy(INSIDE)).status).toBe(200)
  expect(await tokenBy(OUTSIDE)).toMatchObject(REFUSED)
  await updateClient(
    server.knex,
    clientId,
    { settings: { allowedNetworks: NETWORKS.concat('198.51.100.0/24') } },
    ACTOR,
  )
  expect((await tokenBy(OUTSIDE)).status).toBe(200)
})

test('an access token carries the allowed networks if its API wants them', async () => {
  const wanting = await server.make.api({ networksClaim: true })
  const account = await server.make.account()
  const apis = [wanting.identifier, api.identifier]
  const client = await server.make.register({ account, apis, settings: { allowedNetworks: NETWORKS } })
  const claimsFor = async (resource: string) =>
    claimsOf((await tokenFrom(INSIDE, client, { resource })).body.access_token)
  expect((await claimsFor(wanting.identifier)).allowed_networks).toEqual(NETWORKS)
  expect(await claimsFor(api.identifier)).not.toHaveProperty('allowed_networks')
  await changeAccountValues(server.knex, account, { allowedNetworks: ['192.0.2.0/28'] }, ACTOR)
  const after = await tokenFrom(INSIDE, client, { resource: wanting.identifier })
  expect(claimsOf(after.body.access_token).allowed_networks).toEqual(['192.0.2.0/28'])
  const introspected = await server.introspect(after.body.access_token, wanting)
  expect(introspected.body).toMatchObject({ active: true, allowed_networks: ['192.0.2.0/28'] })
  const free = await server.make.client({}, [wanting.identifier])
  const { body } = await tokenFrom(INSIDE, free)
  expect(claimsOf(body.access_token)).not.toHaveProperty('allowed_networks')
})

test('a network with host bits is refused, and the client keeps its networks', async () => {
  const client = await server.make.client({ allowedNetworks: NETWORKS }, [api.identifier])
  const settings = { allowedNetworks: ['10.0.0.1/8'] }
  const change = updateClient(server.knex, client.clientId, { settings }, ACTOR)
  await expect(change).rejects.toMatchObject({
    code: 'invalid_input',
    fieldErrors: [{ field: 'allowedNetworks', message: '10.0.0.1/8 has host bits; use 10.0.0.0/8' }],
  })
  expect((await getClient(server.knex, client.clientId)).allowedNetworks).toEqual(NETWORKS)
})
