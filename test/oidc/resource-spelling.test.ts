/** `https://host` and `https://host/` name the same API (RFC 3986, section 6.2.3; RFC 8707). */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Keywright, startKeywright } from '../support/keywright.ts'
import { claimsOf, postForm } from '../support/requests.ts'
import { openBrowser } from '../support/scriptless-browser.ts'
import { createTestUser, type Person } from '../support/test-users.ts'
import { createApplication, expectNoFieldErrors, getTokens } from './application-fixtures.ts'

/** Each as it is declared, and as it is asked for. */
const SPELLINGS = [
  ['https://bare.example.com', 'https://bare.example.com/'],
  ['https://slash.example.com/', 'https://slash.example.com'],
  ['http://127.0.0.1:8080', 'http://127.0.0.1:8080/'],
  ['https://query.example.com/?v=1', 'https://query.example.com?v=1'],
] as const

const DIFFERENT = [
  ['https://path.example.com/v1', 'https://path.example.com/v1/'],
  ['urn:example:api', 'urn:example:api/'],
] as const

let server: Keywright
let person: Person

beforeAll(async () => {
  server = await startKeywright()
  person = await createTestUser(server.knex, server.firstStart.accountId)
  for (const [identifier] of [...SPELLINGS, ...DIFFERENT]) await server.make.api({ identifier })
})

afterAll(async () => {
  expectNoFieldErrors(server)
  await server.stop()
})

describe.each(SPELLINGS)('%s', (declared, asked) => {
  test('is named by the other spelling, in resource and audience; the token holds the declared one', async () => {
    const machine = await server.make.client({}, [declared])
    for (const form of [{ resource: asked }, { audience: asked }, { resource: asked, audience: declared }]) {
      const { status, body } = await server.machineToken(machine, form as Record<string, string>)
      expect([status, claimsOf(body.access_token).aud]).toEqual([200, declared])
    }
  })

  test('is named by the other spelling in the code flow, at its redemption and at a refresh', async () => {
    const app = await createApplication(server, {}, { apis: [declared] })
    for (const [first, second] of [
      [asked, declared],
      [declared, asked],
      [asked, asked],
    ]) {
      const params = { scope: 'offline_access read', resource: first }
      const tokens = await getTokens(server, app, person, { params })
      expect(claimsOf(tokens.access_token).aud).toBe(declared)
      const refreshed = await app.refresh(tokens.refresh_token, { resource: second })
      expect([refreshed.status, claimsOf(refreshed.body.access_token).aud]).toEqual([200, declared])
    }
    const form = Object.fromEntries(app.requested({ resource: asked }))
    expect((await postForm(`${server.url}/oauth2/par`, form, { basic: app.basic })).status).toBe(201)
    const browser = openBrowser(server.url)
    const both = await browser.visit(app.link({ resource: asked, audience: declared, prompt: 'none' }))
    expect(both.left!.searchParams.get('error')).toBe('login_required')
  })

  test('cannot be declared in the other spelling as well', async () => {
    await expect(server.make.api({ identifier: asked })).rejects.toMatchObject({ code: 'conflict' })
  })

  test('is given to a client in either spelling', async () => {
    const machine = await server.make.client({}, [asked, declared])
    expect(claimsOf((await server.machineToken(machine)).body.access_token).aud).toBe(declared)
  })
})

test('one of two concurrent declarations in two spellings succeeds', async () => {
  const both = ['https://race.example.com', 'https://race.example.com/']
  const made = await Promise.allSettled(both.map((identifier) => server.make.api({ identifier })))
  expect(made.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
})

test.each(DIFFERENT)('%s and %s are two APIs', async (declared, other) => {
  const machine = await server.make.client({}, [declared])
  const { body } = await server.machineToken(machine, { resource: other })
  expect(body.error).toBe('invalid_target')
  expect((await server.make.api({ identifier: other })).identifier).toBe(other)
})
