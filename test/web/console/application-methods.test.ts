/** The page that changes by what an application authenticates. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { assertionForm, type ClientKey, newClientKey, signAssertion } from '../../support/client-assertions.ts'
import { type Keywright, startKeywright } from '../../support/keywright.ts'
import type { Browser, Page } from '../../support/scriptless-browser.ts'
import { createTestUser } from '../../support/test-users.ts'
import { copyableOf } from './admin-session.ts'
import { formAt } from './console-forms.ts'
import { enter, wordsOf } from './console-visits.ts'
import { type Changes, sendForm } from './filled-forms.ts'

let server: Keywright
let admin: Browser
let account: string
let key: ClientKey

beforeAll(async () => {
  server = await startKeywright()
  account = await server.make.account()
  admin = await enter(server, await createTestUser(server.knex, account, 'admin'))
  key = await newClientKey('ES256', { kid: 'first-key-2026' })
})
afterAll(() => server.stop())

const keySet = (...keys: ClientKey[]) => JSON.stringify({ keys: keys.map(({ jwk }) => jwk) })

const register = async (name: string) =>
  await server.make.register({ settings: { name, grants: ['client_credentials'] }, account })

const statusBySecret = async (clientId: string, secret: string) =>
  (await server.token({ grant_type: 'client_credentials', client_id: clientId, client_secret: secret })).status

async function statusByKey(clientId: string, by: ClientKey): Promise<number> {
  const assertion = await signAssertion(by, { clientId, audience: server.issuer })
  return (await server.token({ grant_type: 'client_credentials', ...assertionForm(assertion) })).status
}

const send = async (page: Page, changes: Changes = {}) => await sendForm(admin, page, /\/method$/, changes)

const ask = async (clientId: string, changes: Changes) =>
  await send(await admin.visit(`/applications/${clientId}/method`), changes)

describe('a change of the authentication method', () => {
  it('says what ends when, and changes nothing before it is confirmed', async () => {
    const { clientId, clientSecret } = await register('To a key')
    expect((await admin.visit(`/applications/${clientId}`)).text).toContain(`/applications/${clientId}/method"`)
    const question = await ask(clientId, { authMethod: 'private_key_jwt', jwks: keySet(key), when: '3600' })
    expect(question.status).toBe(200)
    const words = wordsOf(question)
    expect(words).toContain('accept JWTs that the application signs by the private key of the new public key')
    expect(words).toContain(`keep the client secret that ends in ${clientSecret!.slice(-4)} for another 1 hour, until`)
    expect(words).toContain('no token is revoked now')
    expect([await statusBySecret(clientId, clientSecret!), await statusByKey(clientId, key)]).toEqual([200, 401])
    expect(wordsOf(await send(question))).toContain('Authentication method changed.')
    expect([await statusBySecret(clientId, clientSecret!), await statusByKey(clientId, key)]).toEqual([200, 200])
    expect(wordsOf(await admin.visit(`/applications/${clientId}`))).toContain('Private key')
  })

  it('without an overlap ends the earlier keys at once, and shows the new secret once', async () => {
    const { clientId, clientSecret } = await register('To a secret')
    await send(await ask(clientId, { authMethod: 'private_key_jwt', jwks: keySet(key), when: '0' }))
    expect([await statusBySecret(clientId, clientSecret!), await statusByKey(clientId, key)]).toEqual([401, 200])
    const question = await ask(clientId, { authMethod: 'client_secret', when: '0' })
    expect(wordsOf(question)).toContain('stop the public key at once')
    expect(wordsOf(question)).toContain('revoke 1 access token immediately')
    const shown = await send(question)
    expect(wordsOf(shown)).toContain('The earlier credentials and all tokens of the application are revoked.')
    const secret = copyableOf(shown, 'Client secret')
    expect([await statusBySecret(clientId, secret), await statusByKey(clientId, key)]).toEqual([200, 401])
    expect((await admin.visit(`/applications/${clientId}`)).text).not.toContain(secret)
  })

  it('keeps certificates and trusts for no time, because they would not count', async () => {
    const { clientId } = await register('To a workload')
    const conditions = 'repository=octo-org/app'
    const trust = { authMethod: 'workload_identity', trustIssuer: 'https://issuer.example.com', when: '0' }
    await send(await ask(clientId, { ...trust, trustConditions: conditions }))
    const page = await admin.visit(`/applications/${clientId}/method`)
    expect(wordsOf(page)).toContain('Certificates and trusts stop working when the method changes')
    expect(page.text).not.toContain('value="86400"')
    const question = await ask(clientId, { authMethod: 'private_key_jwt', jwks: keySet(key) })
    expect(wordsOf(question)).toContain('stop the trust at once')
    await send(question)
    expect(await statusByKey(clientId, key)).toBe(200)
  })

  it('shows an error at its field with the input, and takes no account of fields of other methods', async () => {
    const { clientId, clientSecret } = await register('With errors')
    const none = await ask(clientId, { authMethod: 'private_key_jwt', when: '3600' })
    expect([none.status, wordsOf(none)]).toEqual([400, expect.stringContaining('Enter public keys, or the URL')])
    expect(formAt(none, `/applications/${clientId}/method`)).toMatchObject({
      authMethod: 'private_key_jwt',
      when: '3600',
    })
    const wrong = await ask(clientId, { authMethod: 'tls_client_auth', certificateName: 'no name at all', when: '0' })
    expect(wrong.status).toBe(400)
    const fine = await ask(clientId, {
      authMethod: 'private_key_jwt',
      jwks: keySet(key),
      certificateName: 'CN=other',
      when: '0',
    })
    expect(wordsOf(fine)).toContain('Change the authentication method?')
    expect(await statusBySecret(clientId, clientSecret!)).toBe(200)
  })

  it('is refused after another change, and for a public application', async () => {
    const { clientId, clientSecret } = await register('Changed meanwhile')
    const question = await ask(clientId, { authMethod: 'private_key_jwt', jwks: keySet(key), when: '0' })
    await sendForm(admin, await admin.visit(`/applications/${clientId}/edit`), /\/edit$/, { description: 'Other' })
    const refused = await send(question)
    expect([refused.status, wordsOf(refused)]).toEqual([412, expect.stringContaining('was not changed')])
    expect(await statusBySecret(clientId, clientSecret!)).toBe(200)
    const settings = {
      name: 'Public',
      grants: ['authorization_code'],
      isPublic: true,
      redirectUris: ['https://a.example.com/cb'],
    }
    const open = await server.make.register({ settings, account })
    expect((await admin.visit(`/applications/${open.clientId}/method`)).status).toBe(409)
  })
})
