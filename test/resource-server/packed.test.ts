import { execFile } from 'node:child_process'
import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { until } from '../support/load.ts'
import { freePort, startProgram } from '../support/program.ts'
import { claimsOf } from '../support/requests.ts'
import { AUDIENCE, type FakeIssuer, FEED, startFakeIssuer } from './fake-issuer.ts'

const run = promisify(execFile)
const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const PACKAGE = join(ROOT, 'packages/resource-server')
const SUBPATHS = ['koa', 'express', 'fastify', 'hono', 'fetch', 'mcp']

/** A program of a user: verifies the given tokens, then one more until the feed reports its revocation. */
const PROGRAM = `
import { createVerifier } from '@keywright/resource-server'
const bindings = await Promise.all(${JSON.stringify(SUBPATHS)}.map((path) => import('@keywright/resource-server/' + path)))
const { issuer, audience, feed, tokens, last } = JSON.parse(process.argv[2])
const verifier = createVerifier({ issuer, audience, statusList: { feed } })
const verify = (token) => verifier.verify({ headers: { authorization: 'Bearer ' + token } })
  .then(({ status }) => status, ({ code }) => code)
const outcomes = []
for (const token of tokens) outcomes.push(await verify(token))
const before = await verify(last)
while ((await verify(last)) === 'valid') await new Promise((resolve) => setTimeout(resolve, 10))
const after = await verify(last)
await verifier.close()
console.log(JSON.stringify({ node: process.version, outcomes, before, after, exports: bindings.map((one) => Object.keys(one).sort()) }))
`

const TYPED = `
import { type AccessToken, AccessTokenError, createVerifier } from '@keywright/resource-server'
import { withAccessToken } from '@keywright/resource-server/fetch'
const verifier = createVerifier({ issuer: 'https://a.example', audience: 'https://b.example' })
export const handler = withAccessToken(verifier, (_request: Request, token: AccessToken) => Response.json(token.scopes))
export const isRevoked = (error: unknown): boolean => error instanceof AccessTokenError && error.code === 'token_revoked'
// @ts-expect-error the value does not exist
createVerifier({ issuer: 'https://a.example', audience: 'b', statusList: { onUnknown: 'maybe' } })
`

let home: string
let app: string
let issuer: FakeIssuer

/** Packs a local directory, so that the installation needs no network. */
async function pack(from: string, ...options: string[]): Promise<string> {
  const { stdout } = await run('npm', ['pack', '--json', '--pack-destination', home, ...options], { cwd: from })
  return join(home, JSON.parse(stdout)[0].filename)
}

beforeAll(async () => {
  issuer = await startFakeIssuer()
  home = await mkdtemp(join(tmpdir(), 'keywright-packed-'))
  app = join(home, 'app')
  const copy = join(home, 'repository/packages/resource-server')
  await cp(PACKAGE, copy, { recursive: true, filter: (path) => !/\/(dist|node_modules)$/.test(path) })
  await symlink(join(ROOT, 'node_modules'), join(home, 'repository/node_modules'))
  const ours = await pack(copy)
  const jose = await pack(join(ROOT, 'node_modules/jose'), '--ignore-scripts')
  await mkdir(app)
  await writeFile(join(app, 'package.json'), '{ "private": true, "type": "module" }')
  await run('npm', ['install', '--offline', '--ignore-scripts', '--no-audit', jose, ours], { cwd: app })
  await writeFile(join(app, 'program.js'), PROGRAM)
})
afterAll(async () => {
  await issuer?.close()
  if (home) await rm(home, { recursive: true, force: true })
})

const lowestNode = async (): Promise<number> =>
  Number(/\d+/.exec(JSON.parse(await readFile(join(PACKAGE, 'package.json'), 'utf8')).engines.node)![0])

/** The path of a Node of that major version on this machine. */
async function findNode(major: number): Promise<string | undefined> {
  const directories = [...(process.env.PATH ?? '').split(delimiter), '/usr/bin', '/usr/local/bin']
  for (const directory of new Set(directories)) {
    const version = await run(join(directory, 'node'), ['-v']).catch(() => undefined)
    if (version?.stdout.startsWith(`v${major}.`)) return join(directory, 'node')
  }
  return undefined
}

async function runProgram(node: string) {
  const list = issuer.addList(`/oauth2/status/${crypto.randomUUID()}`)
  list.revoke(2)
  const truncated = issuer.addList(`/oauth2/status/${crypto.randomUUID()}`)
  const noise = Buffer.from(crypto.getRandomValues(new Uint8Array(4096)))
  const { deflateSync } = await import('node:zlib')
  truncated.claims = { status_list: { bits: 1, lst: deflateSync(noise).toString('base64url').slice(0, -100) } }
  const tokenAt = (idx: number, uri = list.uri) => issuer.token({ status: { status_list: { idx, uri } } })
  const tokens = [await tokenAt(1), await tokenAt(2), await tokenAt(1, truncated.uri)]
  const input = { issuer: issuer.url, audience: AUDIENCE, feed: FEED, tokens, last: await tokenAt(3) }
  const connections = issuer.streams.length
  const running = run(node, ['program.js', JSON.stringify(input)], { cwd: app, timeout: 60_000 })
  await until(() => issuer.streams.length > connections)
  const feed = issuer.streams.at(-1)!
  feed.current()
  await until(() => issuer.requests.includes(new URL(list.uri).pathname))
  feed.event('revoked', { at: Date.now(), lists: [{ uri: list.uri, idx: [3] }] }, 'c1')
  return JSON.parse((await running).stdout)
}

const expected = (version: string) => ({
  node: expect.stringMatching(version),
  outcomes: ['valid', 'token_revoked', 'status_unknown'],
  before: expect.stringMatching(/^(valid|token_revoked)$/),
  after: 'token_revoked',
  exports: [
    ...Array(3).fill(['accessToken', 'mcpScopes', 'resourceMetadata']),
    ['accessToken', 'resourceMetadata'],
    ['resourceMetadata', 'withAccessToken'],
    ['authInfoOf', 'checkMcpScopes', 'withMcpAccessToken'],
  ],
})

it('the published package contains code, types and nothing else', async () => {
  const installed = join(app, 'node_modules/@keywright/resource-server')
  expect((await readdir(installed)).sort()).toEqual(['LICENSE', 'README.md', 'dist', 'package.json'])
  const files = await readdir(join(installed, 'dist'))
  expect(files.filter((file) => !/\.(js|d\.ts)$/.test(file))).toEqual([])
  for (const path of ['index', ...SUBPATHS])
    expect(files).toEqual(expect.arrayContaining([`${path}.js`, `${path}.d.ts`]))
  expect((await readdir(join(app, 'node_modules'))).filter((name) => !name.startsWith('.'))).toEqual([
    '@keywright',
    'jose',
  ])
})

it('the installed package works on this Node', async () => {
  expect(await runProgram(process.execPath)).toEqual(expected(`^${process.version}$`))
})

it('the installed package works on the lowest Node that it supports', async ({ skip }) => {
  const major = await lowestNode()
  const node = await findNode(major)
  if (!node) return skip(`Node ${major}, which the package supports, is not on this machine`)
  expect(await runProgram(node)).toEqual(expected(`^v${major}\\.`))
})

/** The first program in the README with the addresses of this test. */
async function printedProgram(port: number): Promise<string> {
  const text = await readFile(join(PACKAGE, 'README.md'), 'utf8')
  const changes = [
    ['https://auth.example.com', issuer.url],
    ['https://api.example.com/v1', AUDIENCE],
    ['listen(9000)', `listen(${port}, '127.0.0.1')`],
  ] as const
  return changes.reduce(
    (program, [printed, actual]) => {
      if (!program.includes(printed)) throw new Error(`the README's program does not contain ${printed}`)
      return program.replace(printed, actual)
    },
    /^```js\n(.*?)^```/ms.exec(text)![1]!,
  )
}

it('the Express program in the README works until the token is revoked, and exits', async () => {
  const modules = join(home, 'weather/node_modules')
  await mkdir(modules, { recursive: true })
  await symlink(join(app, 'node_modules/@keywright'), join(modules, '@keywright'))
  await symlink(join(ROOT, 'node_modules/express'), join(modules, 'express'))
  const port = await freePort()
  const file = join(home, 'weather/weather.mjs')
  await writeFile(file, await printedProgram(port))
  const list = issuer.addList(`/oauth2/status/${crypto.randomUUID()}`)
  const connections = issuer.streams.length
  const { clientId: API_ID, clientSecret: API_SECRET } = FEED
  const server = await startProgram([process.execPath, file], port, { API_ID, API_SECRET })
  await until(() => issuer.streams.length > connections)
  const token = await issuer.token({ status: { status_list: { idx: 1, uri: list.uri } } })
  const ask = (headers: Record<string, string> = {}) => fetch(`${server.url}/v1/weather`, { headers })
  expect((await ask()).status).toBe(401)
  const answer = await ask({ authorization: `Bearer ${token}` })
  expect([answer.status, await answer.json()]).toEqual([200, { for: claimsOf(token).sub }])
  issuer.streams.at(-1)!.event('revoked', { at: Date.now(), lists: [{ uri: list.uri, idx: [1] }] }, 'w1')
  await until(async () => (await ask({ authorization: `Bearer ${token}` })).status === 401)
  await server.stop()
})

it('the installed package contains keywright-verify, which runs on the lowest Node too', async () => {
  const program = join(app, 'node_modules/.bin/keywright-verify')
  expect((await run(program, ['--help'])).stdout).toMatch(/^keywright-verify: /)
  const env = { PATH: process.env.PATH, ISSUER: 'auth.example.com' }
  const nodes = [process.execPath, await findNode(await lowestNode())].filter((node) => node !== undefined)
  for (const node of nodes) {
    const { code, stderr } = await run(node, [program], { env }).catch((error) => error)
    expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining('AUDIENCE is empty') })
  }
})

it('a program compiles against the types of the installed package', async () => {
  await writeFile(join(app, 'typed.ts'), TYPED)
  const types = ['--types', 'node', '--typeRoots', join(ROOT, 'node_modules/@types')]
  const how = ['--noEmit', '--strict', '--module', 'nodenext', '--target', 'es2022', '--lib', 'es2022', ...types]
  const { stdout } = await run(join(ROOT, 'node_modules/.bin/tsc'), [...how, 'typed.ts'], { cwd: app }).catch(
    (error) => error,
  )
  expect(stdout).toBe('')
})
