import { afterAll, beforeAll, expect, test } from 'vitest'
import { rotateSecret } from '../../../src/management/client-secret-rotation.ts'
import { changeClientStatus } from '../../../src/management/client-status.ts'
import { createCallers } from '../../guarantees/all-routes.ts'
import { ACTOR } from '../../support/factory.ts'
import { type Keywright, startKeywright } from '../../support/keywright.ts'
import { claimsOf } from '../../support/requests.ts'
import type { Page } from '../../support/scriptless-browser.ts'
import { foundIn } from '../../support/secret-search.ts'
import { statementsDuring } from '../../support/statements.ts'
import { wordsOf } from './console-visits.ts'
import { filledForm, sendForm } from './filled-forms.ts'

type Visitor = 'admin' | 'operator' | 'stranger'

let server: Keywright
let callers: Awaited<ReturnType<typeof createCallers>>
let client: { key: number; clientId: string; clientSecret: string }
let token: string

beforeAll(async () => {
  server = await startKeywright()
  callers = await createCallers(server)
  client = await server.make.register({ settings: { name: 'Night trains' }, account: callers.home })
  token = (await server.machineToken(client)).body.access_token
})
afterAll(() => server?.stop())

/** What the page shows for a text. */
async function inspect(who: Visitor, text: string, expected: Record<string, string> = {}): Promise<Page> {
  const browser = callers.browsers[who]
  const page = await sendForm(browser, await browser.visit('/inspect'), /\/inspect$/, { text, ...expected })
  // The page names an ID or an email address that it found; of a credential it repeats nothing.
  if (text.length > 60) expect(foundIn(page.text, { text: text.slice(0, 60) })).toEqual([])
  return page
}

const linksOf = ({ text }: Page): string[] =>
  [...text.matchAll(/<a class="(?:secondary|row-action)" href="([^"]+)"/g)].map(([, href]) => href!)

const jtiOf = (jwt: string): string => String(claimsOf(jwt).jti)

test.each(['admin', 'operator'] as const)(
  'an active token has its facts and can be revoked, and the client can be archived (%s)',
  async (who) => {
    const page = await inspect(who, token)
    expect(wordsOf(page)).toMatch(/^ ?Inspect Access token Works It is active/)
    for (const words of ['Night trains', client.clientId, String(claimsOf(token).aud), jtiOf(token)])
      expect(wordsOf(page)).toContain(words)
    expect(page.text).toContain(`name="jti" value="${jtiOf(token)}"`)
    expect(linksOf(page)).toEqual([`/applications/${client.clientId}/archive`])
  },
)

test('the API and the scope that refused a token are compared, named and kept in the form', async () => {
  const other = await inspect('admin', token, { api: 'https://other.example.com' })
  expect(wordsOf(other)).toContain(`The access token is for ${claimsOf(token).aud}, not for https://other.example.com.`)
  const lacking = await inspect('admin', token, { scope: 'trains:stop' })
  expect(wordsOf(lacking)).toContain('Does not work The access token lacks the scope trains:stop.')
  expect(lacking.text).toContain('value="trains:stop"')
})

test('a token is revoked by its jti in a form, and the page then says when and by whom', async () => {
  const jwt: string = (await server.machineToken(client)).body.access_token
  const asked = await sendForm(callers.browsers.admin, await inspect('admin', jwt), /\/token$/)
  expect(wordsOf(asked)).toContain('To prevent that, archive the application')
  const revoked = await sendForm(callers.browsers.admin, asked, /\/revoke$/)
  expect(wordsOf(revoked)).toContain('Token revoked.')
  const page = await inspect('operator', jwt)
  expect(wordsOf(page)).toMatch(
    /Does not work The access token was revoked\. Reason token_revoked Revoked just now Revoked by \S+@/,
  )
  expect(page.text).not.toContain('name="jti"')
  const again = await sendForm(callers.browsers.admin, asked, /\/revoke$/)
  expect([again.status, wordsOf(again)]).toEqual([200, expect.stringContaining('The access token was revoked.')])
})

test('the current secret of an application is replaced, a previous one is retired, a key pair is stopped', async () => {
  const other = await server.make.register({ account: callers.home })
  const at = `/applications/${other.clientId}`
  expect(linksOf(await inspect('admin', other.clientSecret))).toEqual([`${at}/key`, `${at}/archive`])
  await rotateSecret(server.knex, other.clientId, 3600, ACTOR)
  const previous = await inspect('admin', other.clientSecret)
  expect(linksOf(previous)).toEqual([expect.stringMatching(/\/secrets\/\d+\/retire$/), `${at}/archive`])
  expect((await callers.browsers.admin.visit(linksOf(previous)[0]!)).status).toBe(200)
  const pair = await server.make.keyPair(callers.colleague.id)
  expect(linksOf(await inspect('admin', pair.clientSecret))).toEqual([`/key-pairs/${pair.clientId}/stop`])
  const api = await server.make.api()
  const [rotate] = linksOf(await inspect('operator', api.clientSecret))
  expect((await callers.browsers.operator.visit(rotate!)).status).toBe(200)
})

test('a replaced key pair links the next one', async () => {
  const first = await server.make.keyPair(callers.colleague.id)
  const next = await server.make.keyPair(callers.colleague.id)
  const page = await inspect('admin', first.clientId)
  expect(wordsOf(page)).toContain('Key pair Does not work The key pair was replaced by a newer one.')
  expect(page.text).toContain(`href="/key-pairs/${next.clientId}"`)
  expect(linksOf(page)).toEqual([])
})

test('several secrets with the same last four characters are a list, with the acts of each', async () => {
  const others = [await server.make.register({ account: callers.home }), await server.make.register({})]
  for (const { key } of others)
    await server.knex('client_secrets').where({ client_id: key }).update({ last_four: '7Gn2' })
  await server.knex('client_secrets').where({ client_id: client.key }).update({ last_four: '7Gn2' })
  const page = await inspect('operator', 'kws_…7Gn2')
  expect(wordsOf(page)).toContain('3 matches Several client secrets or API keys end in these characters.')
  expect(linksOf(page)).toContain(`/applications/${client.clientId}/archive`)
  expect(wordsOf(await inspect('admin', '7Gn2'))).toContain('2 matches')
  for (let n = 0; n < 12; n++) await server.make.register({ settings: { name: `Ferry ${n}` } })
  expect(wordsOf(await inspect('operator', 'ferry'))).toContain(
    '10+ matches Several applications match this name. Only 10',
  )
})

test('the page of a JWT that is no longer recorded makes at most three statements, and names its client', async () => {
  const jwt: string = (await server.machineToken(client)).body.access_token
  await server
    .knex('access_tokens')
    .where({ jti: jtiOf(jwt) })
    .delete()
  const browser = callers.browsers.admin
  const form = await browser.visit('/inspect')
  let page = form
  const counts: number[] = []
  // The jobs of the server make statements at any time.
  while (counts.length < 30 && !counts.some((count) => count <= 3)) {
    const statements = await statementsDuring(async () => {
      page = await sendForm(browser, form, /\/inspect$/, { text: jwt })
    })
    counts.push(statements.length)
  }
  expect(Math.min(...counts)).toBe(3)
  expect(wordsOf(page)).toContain('Night trains')
})

test('a deleted client is shown by its ID, without a link to its page', async () => {
  const { clientId, ...secret } = await server.make.register({ account: callers.home })
  const jwt: string = (await server.machineToken({ clientId, ...secret })).body.access_token
  await changeClientStatus(server.knex, clientId, 'archived', ACTOR)
  await sendForm(
    callers.browsers.admin,
    await callers.browsers.admin.visit(`/applications/${clientId}/delete`),
    /\/delete$/,
  )
  for (const text of [jwt, clientId]) {
    const page = await inspect('admin', text)
    expect(wordsOf(page)).toMatch(/Does not work The client was deleted\. Reason client_deleted Deleted just now/)
    expect(wordsOf(page)).toContain(`Client ID ${clientId}`)
    expect(page.text).not.toContain(`/applications/${clientId}"`)
  }
})

test('for an admin, what belongs to another account looks like what does not exist', async () => {
  const [theirs, none] = [await hidden(callers.home), await hidden(await server.make.account())]
  const gone = none.map((text) => (text.startsWith('kwc_') ? `kwc_${'0'.repeat(20)}` : text))
  for (const [n, text] of theirs.entries()) {
    const [seen, unknown] = [await inspect('stranger', text), await inspect('stranger', gone[n]!)]
    expect(wordsOf(seen)).toBe(wordsOf(unknown))
    expect(wordsOf(seen)).not.toContain('Hidden trains')
  }
})

/** A token, its jti, its client and their names. */
async function hidden(account: string): Promise<string[]> {
  const { clientId, ...secret } = await server.make.register({ settings: { name: 'Hidden trains' }, account })
  const jwt: string = (await server.machineToken({ clientId, ...secret })).body.access_token
  return [jwt, jtiOf(jwt), clientId, secret.clientSecret, secret.clientSecret.slice(-4), 'Hidden trains']
}

test.each(['/inspect/token', '/inspect/token/revoke'])(
  'the jti of another account, and what is no jti, name no token: %s',
  async (path) => {
    const [jwt, jti] = (await hidden(callers.home)) as [string, string]
    const { stranger } = callers.browsers
    for (const given of [jti, jwt, 'no id', '']) {
      const form = filledForm(await stranger.visit('/inspect'), /\/inspect$/)
      const body = new URLSearchParams({ csrf: form.fields.get('csrf')!, jti: given })
      const page = await stranger.visit(path, { method: 'POST', body, headers: { origin: server.url } })
      expect([given, page.status]).toEqual([given, 404])
    }
    expect(wordsOf(await inspect('admin', jwt))).toContain('Access token Works')
  },
)

const foreign = (() => {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  return `${part({ alg: 'ES256', typ: 'at+jwt', kid: 'theirs' })}.${part({ iss: 'https://other.example' })}.${'A'.repeat(86)}`
})()

const BINARY = Buffer.from(Array.from({ length: 32_768 }, (_, n) => 1 + (n % 31))).toString('latin1')

test.each<[string, () => string, number, string]>([
  ['nothing', () => ' \n', 400, 'Paste or type a text.'],
  ['64 KiB and a byte', () => 'a'.repeat(65_537), 400, 'The text is longer than 64 KiB.'],
  ['more than the form takes', () => 'a'.repeat(300_000), 413, 'You sent more than 200 KiB. Go back, and send less.'],
  ['64 KiB', () => 'a'.repeat(65_536), 200, 'This is none of the texts that can be looked up.'],
  ['binary text', () => BINARY, 200, 'This is none of the texts that can be looked up.'],
  ['binary text with NUL', () => `a\0${BINARY}`, 400, 'The request contains a NUL character.'],
  ['a token of another issuer', () => foreign, 200, 'No signing key of this issuer signed the token'],
  ['a part of a token', () => token.slice(0, -20), 200, 'No signing key of this issuer signed the token'],
  ['a refresh token', () => `kwr_${'a'.repeat(92)}`, 200, 'which cannot be looked up here'],
  ['markup', () => `<script>alert(1)</script>${'b'.repeat(50)}`, 200, 'Nothing that you may see matches.'],
])('%s has a defined answer', async (_, text, status, words) => {
  const page = await inspect('admin', text())
  expect([page.status, wordsOf(page)]).toEqual([status, expect.stringContaining(words)])
})

test('a text that is sent after the session has ended is not kept for the sign-in', async () => {
  const { nobody } = callers.browsers
  const { text } = await nobody.visit('/signin')
  const csrf = /name="csrf" value="([^"]+)"/.exec(text)![1]!
  const body = new URLSearchParams({ csrf, text: client.clientSecret })
  const page = await nobody.visit('/inspect', { method: 'POST', body, headers: { origin: server.url } })
  expect(new URL(page.url).search).toBe('?return_to=%2Finspect')
  expect(page.text).not.toMatch(/name="interrupted" value="[^"]/)
})
