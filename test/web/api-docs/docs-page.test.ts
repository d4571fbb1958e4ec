/** The management API as people read it. */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type Keywright, startKeywright } from '../../support/keywright.ts'
import { openBrowser, type Page } from '../../support/scriptless-browser.ts'
import { commandsOf, openAdmin } from '../console/admin-session.ts'
import { wordsOf } from '../console/console-visits.ts'

const PATH = '/api/v1/docs'

interface Operation {
  operationId: string
  summary: string
  security: Record<string, string[]>[]
  responses: Record<string, { content?: object }>
}

interface Document {
  paths: Record<string, Record<string, Operation>>
  components: { schemas: Record<string, { properties?: object }> }
}

let server: Keywright
let page: Page
let document: Document

beforeAll(async () => {
  server = await startKeywright()
  page = await openBrowser(server.url).visit(PATH)
  document = (await (await fetch(`${server.url}/api/v1/openapi.json`)).json()) as Document
})
afterAll(() => server.stop())

const operations = () =>
  Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method: method.toUpperCase(), ...operation })),
  )

it('is open to who is not signed in, and offers to', () => {
  expect(page.status).toBe(200)
  expect(page.text).toContain('href="/signin?return_to=/api/v1/docs"')
})

it('has every operation of the document, with method, path and the scope that it takes', () => {
  expect(operations().length).toBeGreaterThan(30)
  const words = wordsOf(page)
  for (const { path, method, summary, security } of operations()) {
    const scopes = security.flatMap((one) => Object.values(one).flat())
    expect(words).toContain(`${summary} ${method} ${path} `)
    for (const scope of scopes) expect(words).toContain(`Required scope: ${scope}`)
  }
})

it('shows every shape that has a name, and every link within it leads somewhere', () => {
  const ids = new Set([...page.text.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id!))
  const links = [...page.text.matchAll(/href="#([^"]+)"/g)].map(([, id]) => id!)
  expect(links.filter((link) => !ids.has(link))).toEqual([])
  expect(ids.size).toBe([...page.text.matchAll(/ id="/g)].length)
  for (const name of Object.keys(document.components.schemas)) expect(page.text).toContain(`<h3>${name}</h3>`)
})

it('names each member with what it is and its bounds', () => {
  const words = wordsOf(page)
  expect(words).toMatch(/limit Query whole number 1 to 200/)
  expect(words).toMatch(/policy one of "none", "single"/)
  expect(words).not.toMatch(/\bundefined\b|\[object/)
})

it('its first commands work as they stand, once the shell knows the credentials', async () => {
  const admin = await openAdmin(server)
  const pair = await server.make.keyPair(admin.person.id, ['urn:keywright:management'])
  const [token, me] = commandsOf(page)
  const env = { ...process.env, CLIENT_ID: pair.clientId, CLIENT_SECRET: pair.clientSecret }
  const run = async (command: string, more = {}) =>
    JSON.parse((await promisify(execFile)('sh', ['-c', command], { env: { ...env, ...more } })).stdout)
  const { access_token } = await run(token!)
  expect(await run(me!, { TOKEN: access_token })).toMatchObject({ role: 'admin' })
})

it("each operation has an example, and those that need nothing of the reader's are understood by the API", async () => {
  const client = await server.make.client({}, ['urn:keywright:management'])
  const { body } = await server.machineToken(client)
  const env = { ...process.env, TOKEN: String(body.access_token) }
  const examples = commandsOf(page).filter((command) => command.includes('$TOKEN') && !command.endsWith('/me'))
  expect(examples.length).toBe(operations().length)
  // A client ID is the reader's own.
  const whole = examples.filter(
    (one) => !/\$|"kwc_/.test(one.replace('$TOKEN', '').replace('$(openssl rand -hex 16)', '')),
  )
  expect(whole.length).toBeGreaterThan(15)
  const streams = operations().filter(({ responses }) => 'text/event-stream' in (responses['200']?.content ?? {}))
  expect(streams.map(({ path }) => path)).toEqual(['/api/v1/events'])
  const run = promisify(execFile)
  const answers: string[] = []
  for (const command of whole) {
    const isStream = streams.some(({ path }) => command.includes(path))
    // A stream does not end: curl stops reading it, says so with an exit code, and prints the status all the same.
    const options = `--write-out '%{http_code}'${isStream ? ' --max-time 5 || true' : ''}`
    const { stdout } = await run('sh', ['-c', `${command} ${options}`], { env })
    answers.push(`${stdout.slice(-3)} ${command} ${stdout.slice(0, 300)}`)
  }
  expect(answers.filter((answer) => !/^(2|403)/.test(answer))).toEqual([])
})

it("is part of the console for who is signed in, with nobody else's face", async () => {
  const admin = await openAdmin(server)
  const signedIn = await admin.visit(PATH)
  expect(signedIn.text).toContain('Sign out')
  expect(signedIn.text).toContain(admin.person.email)
  expect((await openBrowser(server.url).visit(PATH)).text).not.toContain(admin.person.email)
})
