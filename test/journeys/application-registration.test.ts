/**
 * Seed 001: an administrator registers an application with its lifetimes and redirect URL, with or without the allow/deny
 * page; a web application or a desktop program gets a code, tokens, and keeps access by refreshing; archiving stops it.
 */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { keywright } from '../support/cli-in-process.ts'
import { type Keywright, startKeywright } from '../support/keywright.ts'
import { type Browser, createPkce, openBrowser, type Page, signIn } from '../support/scriptless-browser.ts'
import { createTestUser, type Person } from '../support/test-users.ts'

const MONTH = 2_592_000
const YEAR = 31_536_000
const WEB = 'https://tool.example.com/oauth/callback'
const SCHEME = 'com.example.tool:/callback'

let server: Keywright
let cli: ReturnType<typeof keywright>
let person: Person

beforeAll(async () => {
  server = await startKeywright()
  cli = keywright(server.env)
  person = await createTestUser(server.knex, server.firstStart.accountId)
})

afterAll(() => server.stop())

interface Registered {
  readonly clientId: string
  readonly clientSecret?: string
}

async function register(redirectUri: string, ...options: string[]): Promise<Registered> {
  const owner = ['--account', server.firstStart.accountId, '--name', 'Sync tool']
  const grants = ['--grants', 'authorization_code refresh_token', '--redirect-uri', redirectUri]
  const lifetimes = ['--access-token-ttl', `${MONTH}`, '--refresh-token-ttl', `${YEAR}`]
  const made = await cli('client create', ...owner, ...grants, ...lifetimes, ...options)
  return { clientId: made.client_id, clientSecret: made.client_secret }
}

/** Begins as the program would: no scope, for it knows of none. */
async function begin(browser: Browser, { clientId }: Registered, redirectUri: string, challenge?: string) {
  const request = { client_id: clientId, response_type: 'code', redirect_uri: redirectUri, state: 'tool-state' }
  const pkce = challenge ? { code_challenge: challenge, code_challenge_method: 'S256' } : undefined
  return await browser.visit(`/oauth2/authorize?${new URLSearchParams({ ...request, ...pkce })}`)
}

const codeOf = ({ left }: Page): string => {
  expect(left?.searchParams.get('state')).toBe('tool-state')
  return left!.searchParams.get('code')!
}

async function redeem(client: Registered, code: string, redirectUri: string, verifier?: string) {
  const form: Record<string, string> = { grant_type: 'authorization_code', code, redirect_uri: redirectUri }
  if (verifier) form.code_verifier = verifier
  if (client.clientSecret) return await server.token(form, { basic: client })
  return await server.token({ ...form, client_id: client.clientId })
}

describe('a web application with a secret', () => {
  test('shows the page, gets a month and a year, refreshes, and stops when it is archived', async () => {
    const tool = await register(WEB, '--pkce', 'optional')
    const browser = openBrowser(server.url)
    const asked = await signIn(browser, await begin(browser, tool, WEB), person.email, person.password)
    expect(asked.text).toContain('Sync tool')
    expect(asked.text).toContain('tool.example.com')
    expect(asked.text).toContain('Full access to the API')
    const first = await redeem(tool, codeOf(await browser.submit(asked, /allow$/)), WEB)
    expect(first.body).toMatchObject({ token_type: 'Bearer', expires_in: MONTH, scope: 'all' })
    expect(first.body.refresh_token_expires_in).toBe(YEAR)

    const again = await server.token(
      { grant_type: 'refresh_token', refresh_token: first.body.refresh_token },
      { basic: tool },
    )
    expect(again.body).toMatchObject({ expires_in: MONTH, refresh_token_expires_in: YEAR })
    expect((await server.introspect(again.body.access_token, server.firstStart.api)).body.active).toBe(true)

    await cli(`client archive ${tool.clientId}`)
    const late = await server.token(
      { grant_type: 'refresh_token', refresh_token: again.body.refresh_token },
      { basic: tool },
    )
    expect([late.status, late.body.error]).toEqual([401, 'invalid_client'])
    expect((await server.introspect(again.body.access_token, server.firstStart.api)).body.active).toBe(false)
  })

  test('with the page off a person who is signed in goes straight back with a code', async () => {
    const tool = await register(WEB, '--pkce', 'optional', '--consent', 'skip')
    const browser = openBrowser(server.url)
    const first = await signIn(browser, await begin(browser, tool, WEB), person.email, person.password)
    expect((await redeem(tool, codeOf(first), WEB)).status).toBe(200)
    const second = await begin(browser, tool, WEB)
    expect((await redeem(tool, codeOf(second), WEB)).status).toBe(200)
  })

  test('an application that is denied gets access_denied, and nothing more', async () => {
    const tool = await register(WEB, '--pkce', 'optional')
    const browser = openBrowser(server.url)
    const asked = await signIn(browser, await begin(browser, tool, WEB), person.email, person.password)
    const { left } = await browser.submit(asked, /deny$/)
    expect(left!.origin + left!.pathname).toBe(WEB)
    expect(Object.fromEntries(left!.searchParams)).toMatchObject({
      error: 'access_denied',
      state: 'tool-state',
      iss: server.issuer,
    })
  })
})

describe('a desktop program', () => {
  test('without a secret listens on a port of its own and is asked for each time', async () => {
    const tool = await register('http://127.0.0.1/callback', '--public')
    const listener = createServer((_req, res) => res.end('You may close this window.')).listen(0, '127.0.0.1')
    await new Promise((resolve) => listener.once('listening', resolve))
    const uri = `http://127.0.0.1:${(listener.address() as AddressInfo).port}/callback`
    const browser = openBrowser(server.url)
    const { verifier, challenge } = createPkce()
    const asked = await signIn(browser, await begin(browser, tool, uri, challenge), person.email, person.password)
    const back = await browser.submit(asked, /allow$/)
    expect((await redeem(tool, codeOf(back), uri, verifier)).body).toMatchObject({ expires_in: MONTH })
    expect(await (await fetch(back.left!)).text()).toContain('close this window')
    expect((await begin(browser, tool, uri, challenge)).text).toContain('Allow')
    listener.close()
  })

  test('with the page off, and somebody signing in for it, needs no page; its own scheme is the way back', async () => {
    const tool = await register(SCHEME, '--public', '--consent', 'skip')
    const browser = openBrowser(server.url)
    const { verifier, challenge } = createPkce()
    const back = await signIn(browser, await begin(browser, tool, SCHEME, challenge), person.email, person.password)
    expect(back.left!.protocol).toBe('com.example.tool:')
    expect((await redeem(tool, codeOf(back), SCHEME, verifier)).status).toBe(200)
  })

  test('with a secret and the page off goes straight back while its person is signed in', async () => {
    const tool = await register(SCHEME, '--pkce', 'optional', '--consent', 'skip')
    const browser = openBrowser(server.url)
    const first = await signIn(browser, await begin(browser, tool, SCHEME), person.email, person.password)
    expect((await redeem(tool, codeOf(first), SCHEME)).status).toBe(200)
    expect((await redeem(tool, codeOf(await begin(browser, tool, SCHEME)), SCHEME)).status).toBe(200)
  })
})

test('while the API is switched off for the instance nobody gets or keeps anything; on again, nothing comes back', async () => {
  const tool = await register(WEB, '--pkce', 'optional', '--consent', 'skip')
  const browser = openBrowser(server.url)
  const first = await signIn(browser, await begin(browser, tool, WEB), person.email, person.password)
  const tokens = (await redeem(tool, codeOf(first), WEB)).body
  const pending = codeOf(await begin(browser, tool, WEB))
  const isActive = async () => (await server.introspect(tokens.access_token, server.firstStart.api)).body.active
  const refresh = () =>
    server.token({ grant_type: 'refresh_token', refresh_token: tokens.refresh_token }, { basic: tool })
  expect(await isActive()).toBe(true)

  await cli('instance update --api off')
  expect(await isActive()).toBe(false)
  expect((await refresh()).body.error).toBe('invalid_client')
  expect((await redeem(tool, pending, WEB)).body.error).toBe('invalid_client')
  expect((await server.machineToken(server.firstStart.keyPair)).body.error).toBe('invalid_client')

  await cli('instance update --api on')
  expect(await isActive()).toBe(false)
  expect((await refresh()).body.error).toBe('invalid_grant')
  expect((await redeem(tool, pending, WEB)).body.error).toBe('invalid_grant')
  expect((await server.machineToken(server.firstStart.keyPair)).status).toBe(200)
})
