/** Initial access tokens in the console: shown once, and revoked; and the applications that registered with them. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createOperator, signedIn } from '../../guarantees/all-routes.ts'
import { setDynamicRegistration } from '../../support/dynamic-registration.ts'
import { type Keywright, startKeywright } from '../../support/keywright.ts'
import { send } from '../../support/requests.ts'
import type { Browser, Page } from '../../support/scriptless-browser.ts'
import { createTestUser } from '../../support/test-users.ts'

let server: Keywright
let account: string
let admin: Browser

beforeAll(async () => {
  server = await startKeywright()
  account = await server.make.account()
  admin = await signedIn(server, await createTestUser(server.knex, account, 'admin'))
})
afterAll(() => server?.stop())

const tokenIn = ({ text }: Page): string => /kwi_[0-9A-Za-z]{49}/.exec(text)?.[0] ?? ''

const register = (token: string) =>
  send(`${server.url}/oauth2/register`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ client_name: 'Notes', redirect_uris: ['https://notes.example.com/callback'] }),
  })

test('an admin generates a token, an application registers with it and is marked, and the admin revokes the token', async () => {
  const empty = await admin.visit('/initial-access-tokens')
  expect(empty.text).toContain('No initial access tokens yet')
  expect(empty.text).toContain('Dynamic client registration is off')
  await setDynamicRegistration(server, 'initial_access_token')
  expect((await admin.visit('/initial-access-tokens')).text).not.toContain('Dynamic client registration is off')

  const form = await admin.visit('/initial-access-tokens/new')
  const refused = await admin.submit(form, /new$/, { maxUses: '0' })
  expect([refused.status, tokenIn(refused)]).toEqual([400, ''])
  const shown = await admin.submit(form, /new$/, { maxUses: '5', days: '30' })
  const token = tokenIn(shown)
  expect(shown.text).toContain(`${server.issuer}/oauth2/register`)
  const { status, body } = await register(token)
  expect(status).toBe(201)

  const list = await admin.visit('/initial-access-tokens')
  expect(list.text).not.toContain(token)
  expect(list.text).toContain(`kwi_…${token.slice(-4)}`)
  expect(list.text).toContain('1 of 5')
  const applications = await admin.visit('/applications')
  expect(applications.text).toContain('Registered dynamically')
  expect(applications.text).toContain('href="/initial-access-tokens"')
  const application = await admin.visit(`/applications/${body.client_id}`)
  expect(application.text).toContain('dynamically, with an initial access token')

  const { id } = await server.knex('initial_access_tokens').where({ account_id: account }).first('id')
  const after = await admin.submit(await admin.visit(`/initial-access-tokens/${id}/revoke`), /revoke$/)
  expect(after.text).toContain('Initial access token revoked.')
  expect((await register(token)).status).toBe(401)
  const activity = (await admin.visit('/activity')).text
  expect(activity).toContain('revoked an initial access token')
  expect(activity).toContain('Dynamic client registration')
})

test('the form offers the APIs and their scopes, and never the management API', async () => {
  const api = await server.make.api({ scopes: ['read', 'write'] })
  const form = await admin.visit('/initial-access-tokens/new')
  expect(form.text).not.toContain('urn:keywright:management')
  const chosen = { [`apis.${api.identifier}`]: 'on', narrowing: 'some' }
  const refused = await admin.submit(form, /new$/, chosen)
  expect([refused.status, tokenIn(refused)]).toEqual([400, ''])
  const shown = await admin.submit(form, /new$/, { ...chosen, 'scopes.read': 'on' })
  const row = await server
    .knex('initial_access_tokens')
    .where({ last_four: tokenIn(shown).slice(-4) })
    .first()
  expect(row).toMatchObject({
    apis: [api.identifier],
    scopes: ['read'],
    grants: ['authorization_code', 'refresh_token'],
  })
})

test('an operator generates a token for an account that they select', async () => {
  const operator = await signedIn(server, await createOperator(server))
  expect((await operator.visit('/initial-access-tokens')).text).toContain('Select an account')
  const path = `/initial-access-tokens/new?account=${account}`
  const shown = await operator.submit(await operator.visit(path), /new$/, {})
  expect((await register(tokenIn(shown))).status).toBe(201)
})
