/** The programs on the page of an application, each run as it can be copied. */
import { type ChildProcessWithoutNullStreams, spawn, spawnSync } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { DEVICE_CODE_GRANT } from '../../../src/clients/grant-types.ts'
import { CALLBACK } from '../../support/factory.ts'
import { type Keywright, startKeywright } from '../../support/keywright.ts'
import { claimsOf } from '../../support/requests.ts'
import type { Page } from '../../support/scriptless-browser.ts'
import { openSignedInBrowser, type SignedInBrowser } from '../../support/signed-in-browsers.ts'
import { createTestUser } from '../../support/test-users.ts'
import { type Admin, copyableOf, openAdmin } from './admin-session.ts'
import { sendForm } from './filled-forms.ts'

/** Every language with the program that runs its files, and how it shows that it is there. */
const PROGRAMS = [
  ['curl', ['sh'], 'curl --version'],
  ['Node', [process.execPath], 'node --version'],
  ['Python', ['python3'], 'python3 --version'],
  ['Java', ['java'], 'java -version'],
  ['Go', ['go', 'run'], 'go version'],
  ['C#', ['dotnet', 'run'], 'dotnet --version'],
  ['PHP', ['php'], 'php --version'],
] as const

/** A Java program that runs for a second is not worth the compiler that optimizes most. */
const JAVA = { JDK_JAVA_OPTIONS: '-XX:TieredStopAtLevel=1 -XX:+UseSerialGC -Xshare:auto' }

/** Characters that a language could take for more than a text. */
const SCOPES = ["it's", '$HOME', '{x}', '`id`', '#{y}', '%s']

const ENTITIES: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', '#39': "'" }
const unescapeHtml = (text: string) => text.replace(/&(amp|lt|gt|quot|#39);/g, (_, name) => ENTITIES[name]!)

interface Shown {
  readonly file: string
  readonly code: string
}

/** The snippet in a language. */
function snippetOf({ text }: Page, language: string): Shown {
  const part = text.split(`<summary>${language}</summary>`)[1] ?? ''
  const [, file] = /Save as <code><bdi>([^<]*)</.exec(part)!
  const [, code] = /<pre\b[^>]*><code>([\s\S]*?)<\/code>/.exec(part)!
  return { file: file!, code: unescapeHtml(code!) }
}

let server: Keywright
let api: Awaited<ReturnType<Keywright['make']['api']>>
let admin: Admin
let visitor: SignedInBrowser
let directory: string

beforeAll(async () => {
  server = await startKeywright()
  api = await server.make.api({ scopes: SCOPES })
  admin = await openAdmin(server)
  visitor = await openSignedInBrowser(server, await createTestUser(server.knex, server.firstStart.accountId))
  directory = await mkdtemp(join(tmpdir(), 'keywright-snippets-'))
})
afterAll(async () => {
  await server.stop()
  await rm(directory, { recursive: true, force: true })
})

const register = (settings: object) =>
  server.make.register({ settings, apis: [api.identifier], account: server.firstStart.accountId })

interface Running {
  readonly child: ChildProcessWithoutNullStreams
  /** What it wrote to standard error, once that matches. */
  readonly message: (pattern: RegExp) => Promise<RegExpExecArray>
  /** What it wrote to standard output. @throws Error with its messages if it failed */
  readonly token: Promise<string>
}

function start(command: readonly string[], env: Record<string, string>): Running {
  const PATH = [dirname(process.execPath), process.env.PATH].join(delimiter)
  const [program, ...args] = command as [string, ...string[]]
  const child = spawn(program, args, { env: { PATH, HOME: process.env.HOME, ...JAVA, ...env } as NodeJS.ProcessEnv })
  let [written, messages] = ['', '']
  child.stdout.setEncoding('utf8').on('data', (text) => {
    written += text
  })
  child.stderr.setEncoding('utf8')
  const ended = new Promise<string>((resolve, reject) => {
    child.on('close', (code) => (code === 0 ? resolve(written) : reject(new Error(messages + written))))
  })
  ended.catch(() => {})
  const message = (pattern: RegExp) =>
    new Promise<RegExpExecArray>((resolve, reject) => {
      child.stderr.on('data', (text) => {
        messages += text
        const found = pattern.exec(messages)
        if (found) resolve(found)
      })
      ended.catch(reject)
    })
  return { child, message, token: ended.then((text) => /eyJ[\w-]+\.[\w-]+\.[\w-]+/.exec(text)![0]) }
}

/** Saves the snippet as the page says, and starts it. */
async function run(page: Page, language: string, env: Record<string, string> = {}): Promise<Running> {
  const { file, code } = snippetOf(page, language)
  const folder = await mkdtemp(join(directory, 'run-'))
  await writeFile(join(folder, file), code)
  const [, command] = PROGRAMS.find(([name]) => name === language)!
  return start([...command, join(folder, file)], env)
}

async function expectToken(token: string): Promise<ReturnType<typeof claimsOf>> {
  expect((await server.introspect(token, api)).body).toMatchObject({ active: true, aud: api.identifier })
  expect(claimsOf(token).scope).toContain(SCOPES.join(' '))
  return claimsOf(token)
}

const pageOf = ({ clientId }: { clientId: string }) => admin.visit(`/applications/${clientId}`)

const isThere = (check: string): boolean =>
  check.startsWith('node') || spawnSync('sh', ['-c', check], { stdio: 'ignore' }).status === 0

/** With the client secret and the API key of a service. */
async function getTokenOfService(language: string): Promise<void> {
  const service = await register({ name: 'Service', apiKeyRequired: true })
  const env = { CLIENT_SECRET: service.clientSecret, API_KEY: service.apiKey! }
  const running = await run(await pageOf(service), language, env)
  expect(await expectToken(await running.token)).toMatchObject({ sub: service.clientId })
}

/** For a user who signs in to a web application. */
async function getTokenOfUser(language: string): Promise<void> {
  const grants = ['authorization_code', 'refresh_token']
  const settings = { name: 'Web', grants, redirectUris: [CALLBACK], consent: 'skip_own_account' }
  const web = await register(settings)
  const running = await run(await pageOf(web), language, { CLIENT_SECRET: web.clientSecret })
  const [link] = await running.message(/https?:\S+(?=\s)/)
  const { left } = await visitor.visit(link)
  running.child.stdin.end(`${left}\n`)
  expect(await expectToken(await running.token)).toMatchObject({ sub: visitor.person.id })
}

describe.each(PROGRAMS)('the snippets for %s', (language, _, check) => {
  const test = (title: string, body: () => Promise<void>) =>
    it(title, async ({ skip }) => {
      if (!isThere(check)) skip(`${language} is not installed: ${check} failed`)
      await body()
    })

  test('get tokens with the client secret and the API key of a service, and for a user of a web application', async () => {
    // At once: a web application waits for its user.
    await Promise.all([getTokenOfService(language), getTokenOfUser(language)])
  })
})
/** Enters the code that a device shows. */
async function allowDevice(running: Running): Promise<void> {
  const [, code] = await running.message(/Open \S+\/device and enter ([A-Z-]{9})\b/)
  const shown = await visitor.submit(await visitor.visit('/device'), /\/device$/, { user_code: code! })
  const asked = await visitor.submit(shown, /\/device$/, { confirm: 'yes' })
  if (/action="[^"]*allow"/.test(asked.text)) await visitor.submit(asked, /allow$/)
}

describe('the snippets for a device', () => {
  it('get tokens for a user who enters their codes, in every installed language', async () => {
    const grants = [DEVICE_CODE_GRANT]
    const device = await register({ name: 'Device', grants, isPublic: true, consent: 'skip_own_account' })
    const page = await pageOf(device)
    const installed = PROGRAMS.filter(([, , check]) => isThere(check)).map(([language]) => language)
    // At once, because each waits five seconds before it asks for its token.
    const all = await Promise.all(installed.map((language) => run(page, language)))
    for (const running of all) await allowDevice(running)
    for (const { token } of all) expect(await expectToken(await token)).toMatchObject({ sub: visitor.person.id })
    expect(all.length).toBeGreaterThanOrEqual(2)
  })
})

describe('the page that shows a new client secret', () => {
  it('has snippets with the secret in them, which run without an environment', async () => {
    const form = await admin.visit('/applications/new?type=service')
    const changes = {
      ...{
        name: 'Copied',
        'apis.https://api.keywright.example': undefined,
        [`apis.${api.identifier}`]: 'on',
        defaultApi: api.identifier,
      },
      ...{ narrowing: 'some', ...Object.fromEntries(SCOPES.map((scope) => [`scopes.${scope}`, 'on'])) },
    }
    const page = await sendForm(admin, form, /\/applications\/new$/, changes)
    for (const language of ['Node', 'Python']) {
      expect(snippetOf(page, language).code).toContain(copyableOf(page, 'Client secret'))
      await expectToken(await (await run(page, language)).token)
    }
  })
})

describe('the page of an application', () => {
  it('shows no client secret in its snippets, and links to the page that runs the request', async () => {
    const service = await register({ name: 'Linked' })
    const { text } = await pageOf(service)
    expect(text).not.toContain(service.clientSecret)
    expect(text).toContain(`href="/applications/${service.clientId}/try">Run it here`)
  })

  it('names no scope in a snippet when its API has more than ten', async () => {
    const large = await server.make.api({ scopes: Array.from({ length: 11 }, (_, n) => `scope-${n}`) })
    const one = await server.make.register({ settings: { name: 'Large' }, apis: [large.identifier] })
    const { code } = snippetOf(await pageOf(one), 'Node')
    expect(code).toContain(large.identifier)
    expect(code).not.toMatch(/scope/)
  })
})
