/** *Try it*: the real request, what was sent with its secret masked, and what came back. */

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { toConsoleEnglish } from '../../../src/languages/console/console-translator.ts'
import { type TryRequest, tryToken } from '../../../src/web/console/kit/try-token-request.ts'
import { type Keywright, startKeywright } from '../../support/keywright.ts'
import { type Admin, commandsOf, copyableOf, openAdmin } from './admin-session.ts'
import { wordsOf } from './console-visits.ts'

let server: Keywright
let admin: Admin
let pair: { clientId: string; clientSecret: string }
let further: string

const TRY = '/settings/api/try'

beforeAll(async () => {
  server = await startKeywright()
  further = (await server.make.api({ scopes: ['read', 'write'] })).identifier
  admin = await openAdmin(server)
  pair = await server.make.keyPair(admin.person.id, ['https://api.keywright.example', further])
})
afterAll(() => server.stop())

const services = { issuerUrl: () => server.issuer, ownUrl: () => server.url }

const attempt = (request: Partial<TryRequest>, { clientId, clientSecret } = pair) =>
  tryToken(toConsoleEnglish(), services, { clientId, clientSecret, shape: 'body', ...request })

describe('the request', () => {
  it.each(['body', 'basic'] as const)(
    'gets a token with credentials as %s, and shows the last four of the secret',
    async (shape) => {
      const { succeeded, status, request, answer, token, summary } = await attempt({ shape })
      expect([succeeded, status, summary]).toEqual([
        true,
        200,
        'Token issued with the scope all. It expires in 10 hours.',
      ])
      expect(request).toContain(`POST ${server.issuer}/oauth2/token`)
      expect(request).toContain(`********${pair.clientSecret.slice(-4)}`)
      expect(request).not.toContain(pair.clientSecret.slice(0, -4))
      expect(JSON.parse(token!.header)).toMatchObject({ typ: 'at+jwt' })
      expect(JSON.parse(token!.claims)).toMatchObject({ client_id: pair.clientId })
      const active = await server.introspect(JSON.parse(answer).access_token, server.firstStart.api)
      expect(active.body.active).toBe(true)
    },
  )

  it('names an API and scopes', async () => {
    const { token } = await attempt({ resource: further, scope: 'write' })
    expect(JSON.parse(token!.claims)).toMatchObject({ aud: further, scope: 'write' })
  })

  it('sends credentials in the query and the API key where they are asked for', async () => {
    const keyed = await server.make.client({ apiKeyRequired: true, queryCredentials: true })
    const { succeeded, request } = await attempt({ shape: 'query', apiKey: keyed.apiKey }, keyed)
    expect(succeeded).toBe(true)
    expect(request).toContain('?grant_type=client_credentials&client_id=')
    expect(request).toContain(`X-API-Key: ********${keyed.apiKey.slice(-4)}`)
    expect(request).not.toContain(keyed.apiKey)
    expect((await attempt({ shape: 'query' }, keyed)).status).toBe(401)
  })

  it.each<[string, Partial<TryRequest>, number, RegExp]>([
    ['a wrong secret', { clientSecret: 'kws_nonsense of another :%+&=' }, 401, /wrong or no longer valid/],
    ['a wrong secret by Basic', { clientSecret: 'a:b%c +d', shape: 'basic' }, 401, /wrong or no longer valid/],
    ['an unknown client', { clientId: 'kwc_nobody' }, 401, /wrong or no longer valid/],
    ['an API that the client has not', { resource: 'https://other.example' }, 400, /not allowed to call this API/],
    ['a scope that it has not', { scope: 'everything' }, 400, /does not have this scope/],
  ])('tells what was wrong with %s', async (_, request, status, summary) => {
    const outcome = await attempt(request)
    expect([outcome.succeeded, outcome.status, outcome.token]).toEqual([false, status, undefined])
    expect(outcome.summary).toMatch(summary)
    expect(JSON.parse(outcome.answer).error).toMatch(/^invalid_/)
  })

  it('shows nothing of a short secret, whose last four would be most of it', async () => {
    expect((await attempt({ clientSecret: 'hunter2' })).request).not.toContain('ter2')
  })
})

describe('the page', () => {
  const press = async (fields: Record<string, string>) => {
    const form = { clientId: pair.clientId, clientSecret: pair.clientSecret, resource: '', scope: '', shape: 'body' }
    return await admin.post(await admin.visit(TRY), TRY, { ...form, ...fields })
  }

  it('runs a pasted secret, and shows request, answer and what the token summary', async () => {
    const page = await press({ resource: further })
    expect(page.status).toBe(200)
    expect(wordsOf(page)).toContain('Token issued with the scope read write')
    const [request, answer, header, claims] = commandsOf(page)
    expect(request).toContain(`********${pair.clientSecret.slice(-4)}`)
    expect(JSON.parse(answer!)).toMatchObject({ token_type: 'Bearer', scope: 'read write' })
    expect(JSON.parse(header!).alg).toBe('ES256')
    expect(JSON.parse(claims!).aud).toBe(further)
  })

  it('shows a refusal as it came', async () => {
    const page = await press({ clientSecret: 'wrong' })
    expect(wordsOf(page)).toContain('401')
    expect(JSON.parse(commandsOf(page)[1]!).error).toBe('invalid_client')
  })

  it('is run by one press from the page with new keys', async () => {
    const other = await openAdmin(server)
    const ask = await other.visit('/settings/api/generate')
    const fields = { replaces: '', 'apis.https://api.keywright.example': 'on' }
    const page = await other.submit(await other.post(ask, '/settings/api/generate', fields), /\/try$/)
    expect(page.status).toBe(200)
    expect(new URL(page.url).search).toBe('')
    expect(wordsOf(page)).toContain('Token issued with the scope all')
  })

  it('does not try a secret with an id that was generated after it', async () => {
    const other = await openAdmin(server)
    const ask = await other.visit('/settings/api/generate')
    const fields = { replaces: '', 'apis.https://api.keywright.example': 'on' }
    const shown = await other.post(ask, '/settings/api/generate', fields)
    await server.make.keyPair(other.person.id)
    const page = await other.submit(shown, /\/try$/)
    expect([page.status, page.text.includes(copyableOf(shown, 'Client ID'))]).toEqual([412, true])
  })

  it('is not offered where a request needs a proof: the page with new keys says which', async () => {
    const bound = (await server.make.api()).identifier
    await server.knex('apis').where({ identifier: bound }).update({ dpop_required: true })
    const [dpop, certificate] = [' --header "DPoP: DPOP_PROOF"', ' --cert client.crt --key client.key']
    const cases: [settings: object, api: string, options: string, needs: string][] = [
      [{ dpop: 'required' }, server.firstStart.api.identifier, dpop, 'needs a DPoP proof'],
      [
        { certificate_bound_access_tokens: true },
        server.firstStart.api.identifier,
        certificate,
        'needs a client certif',
      ],
      [{}, bound, dpop, 'needs a DPoP proof'],
    ]
    for (const [settings, api, options, needs] of cases) {
      const other = await openAdmin(server)
      const { clientId } = await server.make.keyPair(other.person.id, [api])
      const isOfPair = Object.keys(settings).length > 0
      if (isOfPair) await server.knex('clients').where({ client_id: clientId }).update(settings)
      const ask = await other.visit('/settings/api/generate')
      const shown = await other.post(ask, '/settings/api/generate', { replaces: clientId, [`apis.${api}`]: 'on' })
      const secret = copyableOf(shown, 'Client secret')
      expect(commandsOf(shown)).toEqual([expect.stringMatching(`^curl --silent${options} --data ".*${secret}"`)])
      expect([wordsOf(shown), shown.text.includes('/try')]).toEqual([expect.stringContaining(needs), false])
      const path = new URL((await other.visit(TRY)).url).pathname
      expect(path).toBe(isOfPair ? `/key-pairs/${copyableOf(shown, 'Client ID')}` : TRY)
    }
  })

  it.each<[string, Record<string, string>, string]>([
    ['no secret', { clientSecret: '' }, 'This field is required.'],
    ['a secret of 10,000 characters', { clientSecret: 'x'.repeat(10_000) }, 'at most 500 characters'],
    ['a secret that no header carries', { clientSecret: 'a\nb' }, 'characters that are not allowed'],
    ['a secret beyond ASCII', { clientSecret: 'grün' }, 'characters that are not allowed'],
    ['an API that the client may not call', { resource: 'https://other.example' }, 'Choose an option.'],
    ['an unknown shape', { shape: 'smoke' }, 'Choose an option.'],
    ['a shape that the client may not use', { shape: 'query' }, 'Choose an option.'],
  ])('refuses %s at its field', async (_, fields, fieldError) => {
    const page = await press(fields)
    expect([page.status, wordsOf(page)]).toEqual([400, expect.stringContaining(fieldError)])
  })

  it('leaves no trace of the secret in the log, whatever came of it', async () => {
    await press({ clientSecret: 'kws_needle_in_the_hay' })
    await press({})
    const written = JSON.stringify(server.logLines()) + JSON.stringify(await server.knex('audit_log'))
    expect(written).toContain(TRY)
    expect(written).not.toContain('needle')
    expect(written).not.toContain(pair.clientSecret)
  })
})
