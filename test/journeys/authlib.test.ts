/** A client that nobody here wrote, in another language: Python's Authlib, as Debian ships it. */
import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { findPython } from '../support/debian.ts'
import { type Keywright, startKeywright } from '../support/keywright.ts'
import { openBrowser, signIn } from '../support/scriptless-browser.ts'
import { createTestUser, type Person } from '../support/test-users.ts'

const CLIENT = fileURLToPath(new URL('../support/clients/authlib-client.py', import.meta.url))
const CALLBACK = 'https://app.example.com/callback'

const python = await findPython('authlib')

let server: Keywright
let person: Person

beforeAll(async () => {
  server = await startKeywright()
  person = await createTestUser(server.knex, server.firstStart.accountId)
})

afterAll(() => server.stop())

test.skipIf(!python)(
  'Authlib gets a code with PKCE, tokens, an ID token that it verifies, userinfo, and refreshes',
  async () => {
    const registered = await server.make.client({
      grants: ['authorization_code', 'refresh_token'],
      redirectUris: [CALLBACK],
    })
    const scope = 'openid email offline_access all'
    const args = [CLIENT, server.issuer, registered.clientId, registered.clientSecret, CALLBACK, scope]
    const program = spawn(python!, args, {
      stdio: ['pipe', 'pipe', 'inherit'],
      env: { ...process.env, AUTHLIB_INSECURE_TRANSPORT: '1' },
    })
    const lines = createInterface(program.stdout)[Symbol.asyncIterator]()
    const said = async () => JSON.parse((await lines.next()).value ?? 'null')

    const browser = openBrowser(server.url)
    const asked = await signIn(browser, await browser.visit((await said()).url), person.email, person.password)
    const { left } = await browser.submit(asked, /allow$/)
    program.stdin.end(`${left!.href}\n`)

    const outcome = await said()
    expect(outcome).toMatchObject({ sub: person.id, email: person.email })
    expect(outcome.second).not.toBe(outcome.first)
    expect((await server.introspect(outcome.second, server.firstStart.api)).body.active).toBe(true)
  },
)
