/** Software statements in the console: operators trust issuers, see what these registered, and remove them. */
import { SignJWT } from 'jose'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createOperator, signedIn } from '../../guarantees/all-routes.ts'
import { type ClientKey, newClientKey } from '../../support/client-assertions.ts'
import { CALLBACK, setDynamicRegistration } from '../../support/dynamic-registration.ts'
import { jwkSet } from '../../support/key-server.ts'
import { type Keywright, startKeywright } from '../../support/keywright.ts'
import { send } from '../../support/requests.ts'
import type { Browser } from '../../support/scriptless-browser.ts'
import { createTestUser } from '../../support/test-users.ts'

const ISSUER = 'https://directory.example.com'

let server: Keywright
let account: string
let operator: Browser
let key: ClientKey

beforeAll(async () => {
  server = await startKeywright()
  account = await server.make.account()
  operator = await signedIn(server, await createOperator(server))
  key = await newClientKey()
  await setDynamicRegistration(server, 'initial_access_token')
})
afterAll(() => server?.stop())

async function register() {
  const statement = await new SignJWT({ iss: ISSUER, client_name: 'Directory notes', redirect_uris: [CALLBACK] })
    .setProtectedHeader({ alg: key.alg })
    .sign(key.privateKey)
  return await send(`${server.url}/oauth2/register`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ software_statement: statement }),
  })
}

test('an operator trusts an issuer, sees what it registered, and removes it', async () => {
  const { name } = await server.knex('accounts').where({ id: account }).first()
  const settings = await operator.visit('/settings/instance')
  expect(settings.text).toContain('href="/settings/software-statements"')
  expect((await operator.visit('/settings/software-statements')).text).toContain('No trusted issuers yet')

  const form = await operator.visit('/settings/software-statements/new')
  const typed = { issuer: ISSUER, jwks: jwkSet(key) }
  const refused = await operator.submit(form, /new$/, { ...typed, accountId: 'Nobody' })
  expect(refused.status).toBe(400)
  expect(refused.text).toContain('No account has this ID or name')
  const twice = await operator.submit(form, /new$/, { ...typed, accountId: name, jwksUri: `${ISSUER}/jwks` })
  expect(twice.status).toBe(400)
  const list = await operator.submit(form, /new$/, { ...typed, accountId: name })
  expect(list.text).toContain('Issuer trusted.')
  expect(list.text).toContain(ISSUER)

  const { status, body } = await register()
  expect(status).toBe(201)
  const application = await operator.visit(`/applications/${body.client_id}`)
  expect(application.text).toContain('dynamically, with a software statement')
  expect(application.text).toContain(ISSUER)
  const { id } = await server.knex('software_statement_issuers').first('id')
  const page = await operator.visit(`/settings/software-statements/${id}`)
  expect(page.text).toContain(`href="/applications/${body.client_id}"`)

  const question = await operator.visit(`/settings/software-statements/${id}/remove`)
  expect(question.text).toContain('leave the applications that have registered')
  const after = await operator.submit(question, /remove$/)
  expect(after.text).toContain('Issuer removed.')
  expect((await register()).body.error).toBe('unapproved_software_statement')
  const activity = (await operator.visit('/activity')).text
  expect(activity).toContain(`stopped trusting the software statements of ${ISSUER}`)
})

test('admins have no such pages', async () => {
  const admin = await signedIn(server, await createTestUser(server.knex, account, 'admin'))
  expect((await admin.visit('/settings/software-statements')).status).toBe(403)
})

test('the account of open registration is entered by its name', async () => {
  const { name } = await server.knex('accounts').where({ id: account }).first()
  const settings = await operator.visit('/settings/instance')
  const unknown = await operator.submit(settings, /instance$/, { openRegistrationAccount: 'Nobody' })
  expect(unknown.status).toBe(400)
  expect(unknown.text).toContain('No account has this ID or name')
  await operator.submit(settings, /instance$/, { openRegistrationAccount: name })
  const row = await server.knex('instance_settings').first('open_registration_account')
  expect(row.open_registration_account).toBe(account)
})
