/** Applications that authenticate by a private key: registered, shown and given new keys in the console. */
import { exportPKCS8, exportSPKI } from 'jose'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { withFapi } from '../../../src/clients/fapi-rules.ts'
import { updateClient } from '../../../src/management/client-registration.ts'
import { assertionForm, type ClientKey, newClientKey, signAssertion } from '../../support/client-assertions.ts'
import { ACTOR } from '../../support/factory.ts'
import { documentOf, endCooldown, jwkSet, startKeyServer } from '../../support/key-server.ts'
import { type Keywright, startKeywright } from '../../support/keywright.ts'
import type { Browser } from '../../support/scriptless-browser.ts'
import { createTestUser } from '../../support/test-users.ts'
import { formAt } from './console-forms.ts'
import { enter, wordsOf } from './console-visits.ts'
import { sendForm } from './filled-forms.ts'

let server: Keywright
let admin: Browser
let key: ClientKey
let keyServer: Awaited<ReturnType<typeof startKeyServer>>

beforeAll(async () => {
  keyServer = await startKeyServer()
  server = await startKeywright({ env: { OUTGOING_ALLOW: '127.0.0.1' } })
  admin = await enter(server, await createTestUser(server.knex, await server.make.account(), 'admin'))
  key = await newClientKey('ES256', { kid: 'first-key-2026' })
})
afterAll(async () => {
  await server.stop()
  keyServer.stop()
})

const keySet = (...keys: ClientKey[]) => JSON.stringify({ keys: keys.map(({ jwk }) => jwk) })

const add = async (name: string, jwks: string) =>
  await sendForm(admin, await admin.visit('/applications/new?type=service'), /\/applications\/new$/, {
    name,
    authMethod: 'private_key_jwt',
    jwks,
  })

const clientIdOf = async (name: string): Promise<string> =>
  (await server.knex('clients').where({ name }).first('client_id')).client_id

async function tokenStatus(clientId: string, by: ClientKey): Promise<number> {
  const assertion = await signAssertion(by, { clientId, audience: server.issuer })
  return (await server.token({ grant_type: 'client_credentials', ...assertionForm(assertion) })).status
}

describe('an application with a private key', () => {
  it('gets a token from the form on, and its page shows the key and no secret', async () => {
    const page = await add('By key', keySet(key))
    const clientId = await clientIdOf('By key')
    expect(await tokenStatus(clientId, key)).toBe(200)
    expect(page.url).toContain(`/applications/${clientId}`)
    const words = wordsOf(page)
    expect(words).toContain('Private key')
    expect(words).toContain('Public key')
    expect(words).toContain('ends in 2026')
    expect(words).not.toMatch(/client secret/i)
    expect(words).not.toContain('CLIENT_SECRET')
  })

  it('shows what FAPI 2.0 requires of it, in German too', async () => {
    const path = (await add('Bank', keySet(key))).url
    expect(wordsOf(await admin.visit(path))).not.toContain('What FAPI 2.0 requires')
    const settings = withFapi({}, { fapi2: true })
    await updateClient(server.knex, await clientIdOf('Bank'), { settings }, ACTOR)
    const words = wordsOf(await admin.visit(path))
    expect(words).toContain('What FAPI 2.0 requires')
    expect(words).toContain('Pushed authorization requests (PAR) RFC 9126')
    await admin.visit('/language?to=de&return_to=%2F')
    const german = wordsOf(await admin.visit(path))
    await admin.visit('/language?to=en&return_to=%2F')
    expect(german).toContain('Vorab übermittelte Autorisierungsanfragen (PAR) RFC 9126')
  })

  it('has an error at the field for what is no key set, and registers nothing', async () => {
    for (const [name, jwks] of [
      ['None', ''],
      ['Malformed', '{'],
      ['Private', JSON.stringify({ keys: [{ ...key.jwk, d: 'AAAA' }] })],
      ['Private PEM', await exportPKCS8(key.privateKey)],
    ] as const) {
      const page = await add(name, jwks)
      expect([name, page.status]).toEqual([name, 400])
      expect(wordsOf(page)).toMatch(/[kK]ey/)
      if (name.startsWith('Private')) {
        expect(wordsOf(page)).toMatch(/has a private (or symmetric )?key: send public keys only/i)
        expect(page.text).not.toContain(jwks.slice(-80, -40))
      }
      expect(await server.knex('clients').where({ name })).toEqual([])
    }
  })

  it('gets new keys, which end the earlier ones at once or later', async () => {
    await add('Replaced', keySet(key))
    const clientId = await clientIdOf('Replaced')
    const replace = async (by: ClientKey, when: string) =>
      await sendForm(admin, await admin.visit(`/applications/${clientId}/key`), /\/key$/, { jwks: keySet(by), when })
    const [second, third] = [await newClientKey(), await newClientKey('EdDSA')]
    expect(wordsOf(await replace(second, '3600'))).toContain('Public keys replaced.')
    expect([await tokenStatus(clientId, key), await tokenStatus(clientId, second)]).toEqual([200, 200])
    const all = await admin.visit(`/applications/${clientId}/secrets`)
    const [, retire] = /href="([^"]*\/retire)"/.exec(all.text)!
    for (const page of [all, await admin.visit(retire!), await admin.visit(`${retire}-unused`)]) {
      expect(wordsOf(page)).toMatch(/public key/i)
      expect(wordsOf(page)).not.toMatch(/client secret|rotate secret|this secret/i)
    }
    expect(wordsOf(all)).toContain('Replace keys')
    await replace(third, '0')
    expect([await tokenStatus(clientId, second), await tokenStatus(clientId, third)]).toEqual([401, 200])
  })

  it('takes public keys in PEM, pasted or in a file', async () => {
    const [pasted, uploaded] = [await newClientKey('RS256'), await newClientKey('EdDSA')]
    await add('PEM', await exportSPKI(pasted.publicKey))
    const clientId = await clientIdOf('PEM')
    expect(await tokenStatus(clientId, pasted)).toBe(200)
    const path = `/applications/${clientId}/keys/new`
    const body = new FormData()
    for (const [name, value] of Object.entries(formAt(await admin.visit(path), path))) body.set(name, value)
    body.set('jwks.file', new Blob([await exportSPKI(uploaded.publicKey)]), 'public.pem')
    const page = await admin.visit(path, { method: 'POST', body, headers: { origin: server.url } })
    expect(wordsOf(page)).toContain('Public keys added.')
    expect([await tokenStatus(clientId, pasted), await tokenStatus(clientId, uploaded)]).toEqual([200, 200])
  })

  it('has keys that are added, used and retired one by one, but for the last one', async () => {
    await add('Several', keySet(key))
    const clientId = await clientIdOf('Several')
    const one = `/applications/${clientId}`
    expect((await admin.visit(one)).text).not.toContain('/retire"')
    const added = await newClientKey('EdDSA', { kid: 'second-key-2027' })
    const addKey = async (jwks: string) =>
      await sendForm(admin, await admin.visit(`${one}/keys/new`), /\/keys\/new$/, { jwks })
    expect(wordsOf(await addKey(keySet(added)))).toContain('Public keys added.')
    const again = await addKey(keySet(added))
    expect([again.status, wordsOf(again)]).toEqual([400, expect.stringContaining('has one of these keys already')])
    expect([await tokenStatus(clientId, key), await tokenStatus(clientId, added)]).toEqual([200, 200])
    const page = await admin.visit(one)
    const retire = [...page.text.matchAll(/href="([^"]*\/secrets\/\d+\/retire)"/g)].map(([, path]) => path!)
    expect(retire).toHaveLength(2)
    const question = await admin.visit(retire[0]!)
    expect(wordsOf(question)).toContain('not affect the other public keys and their tokens')
    await sendForm(admin, question, /\/retire$/, {})
    expect([await tokenStatus(clientId, key), await tokenStatus(clientId, added)]).toEqual([200, 401])
    expect((await admin.visit(one)).text).not.toContain('/retire"')
    expect((await admin.visit(retire[1]!)).status).toBe(404)
  })

  it('is archived and restored with its keys, and nothing speaks of a client secret', async () => {
    await add('Restored', keySet(key))
    const clientId = await clientIdOf('Restored')
    for (const step of ['archive', 'restore']) {
      const page = await admin.visit(`/applications/${clientId}/${step}`)
      expect(wordsOf(page)).not.toMatch(/client secret/i)
      await sendForm(admin, page, new RegExp(`/${step}$`), {})
      expect(await tokenStatus(clientId, key)).toBe(step === 'archive' ? 401 : 200)
    }
  })

  it('publishes its keys at a URL, whose last fetch and failure its page shows, until keys replace it', async () => {
    const site = keyServer.publish(documentOf(jwkSet(key)))
    const form = await admin.visit('/applications/new?type=service')
    const send = (fields: Record<string, string>) =>
      sendForm(admin, form, /\/applications\/new$/, { name: 'Published', authMethod: 'private_key_jwt', ...fields })
    const both = await send({ jwks: keySet(key), jwksUri: site.uri })
    expect([both.status, wordsOf(both)]).toEqual([400, expect.stringContaining('either the public keys or their URL')])
    await send({ jwksUri: site.uri })
    const clientId = await clientIdOf('Published')
    const one = `/applications/${clientId}`
    expect(await tokenStatus(clientId, key)).toBe(200)
    const page = await admin.visit(one)
    expect(wordsOf(page)).toContain(site.uri)
    expect(wordsOf(page)).toMatch(/Public keys fetched (?!never)/)
    expect(wordsOf(page)).not.toContain('Last fetch failed')
    expect(page.text).not.toContain('/keys/new"')
    expect((await admin.visit(`${one}/keys/new`)).status).toBe(409)
    // The edit form leaves the URL alone.
    await sendForm(admin, await admin.visit(`${one}/edit`), /\/edit$/, { description: 'Edited' })
    expect(await tokenStatus(clientId, key)).toBe(200)
    site.respond(documentOf('no keys'))
    const { id } = await server.knex('clients').where({ client_id: clientId }).first('id')
    await endCooldown(server.knex, id)
    expect(await tokenStatus(clientId, await newClientKey())).toBe(401)
    expect(wordsOf(await admin.visit(one))).toMatch(/Last fetch failed .*the response is no usable JWK set/)
    // The button fetches once in the cooldown, which all nodes share, and says why a fetch failed.
    const fetchNow = async () => await sendForm(admin, await admin.visit(one), /\/keys\/fetch$/)
    expect(wordsOf(await admin.visit(one))).toMatch(/Next fetch possible in \d+ (second|minute)/)
    const before = site.requests()
    expect(wordsOf(await fetchNow())).not.toContain('Public keys fetched.')
    expect(site.requests()).toBe(before)
    await endCooldown(server.knex, id)
    expect(wordsOf(await admin.visit(one))).toContain('Next fetch possible now')
    expect(wordsOf(await fetchNow())).toMatch(/Last fetch failed .*the response is no usable JWK set/)
    expect(site.requests()).toBe(before + 1)
    const second = await newClientKey()
    site.respond(documentOf(jwkSet(key, second)))
    await endCooldown(server.knex, id)
    const fetched = wordsOf(await fetchNow())
    expect(fetched).toContain('Public keys fetched.')
    expect(fetched).not.toContain('Last fetch failed')
    expect([await tokenStatus(clientId, key), await tokenStatus(clientId, second)]).toEqual([200, 200])
    const replaced = await newClientKey()
    const fields = { jwks: keySet(replaced), jwksUri: '', when: '0' }
    await sendForm(admin, await admin.visit(`${one}/key`), /\/key$/, fields)
    expect([await tokenStatus(clientId, key), await tokenStatus(clientId, replaced)]).toEqual([401, 200])
    expect(wordsOf(await admin.visit(one))).not.toContain(site.uri)
  })
})
