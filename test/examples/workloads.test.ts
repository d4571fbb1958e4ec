/** examples/github-actions and examples/kubernetes: programs that get access tokens by the token of their platform. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile, rename, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { parse, parseAllDocuments } from 'yaml'
import { JWT_BEARER_GRANT } from '../../src/clients/grant-types.ts'
import { trustIn } from '../../src/clients/trust-presets.ts'
import { parseTrust } from '../../src/clients/workload-trusts.ts'
import { readClientRefusals } from '../../src/management/client-usage-operations.ts'
import type { Management } from '../../src/management/operation.ts'
import { operator } from '../management/principals.ts'
import { endWithTests } from '../support/end-with-tests.ts'
import { cleanEnvironment, type Environment } from '../support/environment.ts'
import { until } from '../support/load.ts'
import { githubClaims, type MockIssuer, startMockIssuer } from '../support/mock-issuer.ts'
import { openDirectory, removeDirectory } from '../support/program.ts'
import { claimsOf } from '../support/requests.ts'
import { type ExampleEnvironment, examplePath, startExampleEnvironment } from './example-environment.ts'

let environment: ExampleEnvironment
let platform: MockIssuer
let directory: string

beforeAll(async () => {
  platform = await startMockIssuer()
  environment = await startExampleEnvironment({ OUTGOING_ALLOW: '127.0.0.1' })
  directory = await openDirectory()
})
afterAll(async () => {
  await environment?.stop()
  await platform?.stop()
  if (directory) await removeDirectory(directory)
})

/** A client that trusts the platform for this workload. */
async function register(preset: 'github' | 'kubernetes', workload: string, claims: string[] = []): Promise<string> {
  const trust = trustIn({ preset, workload, claims, issuer: platform.issuer })
  const { clientId } = await environment.server.make.register({
    settings: { authMethod: 'workload_identity', grants: ['client_credentials', JWT_BEARER_GRANT] },
    apis: [environment.api.identifier],
    trusts: [await parseTrust(trust!)],
  })
  return clientId
}

/** What the admin of a client reads about its refused request. */
const refusalOf = (clientId: string): Promise<string> =>
  vi.waitFor(
    async () => {
      const management = { knex: environment.server.knex } as Management
      const { samples } = await readClientRefusals(management, operator, { clientId })
      expect(samples.length).toBeGreaterThan(0)
      return `${samples[0]!.reason}: ${samples[0]!.detail}`
    },
    { timeout: 20_000, interval: 100 },
  )

interface Run {
  readonly child: ChildProcess
  readonly written: () => string
  readonly ended: Promise<number | null>
}

function start(example: string, clientId: string, env: Environment): Run {
  const { issuer, upstream } = environment
  const all = { KEYWRIGHT_ISSUER: issuer, CLIENT_ID: clientId, API_URL: `http://${upstream}/reports`, ...env }
  const child = spawn(process.execPath, [examplePath(example)], { env: cleanEnvironment(all) as NodeJS.ProcessEnv })
  endWithTests(child, 'SIGKILL')
  let written = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text) => {
      written += text
    })
  }
  return { child, written: () => written, ended: once(child, 'close').then(([code]) => code) }
}

/** The access tokens that the API received: it responds with the request. */
const sentTokens = (text: string): string[] =>
  [...text.matchAll(/"authorization":"Bearer ([^"]+)"/g)].map(([, token]) => token!)

describe('the script for GitHub Actions', () => {
  /** Issues the tokens of a job, as GitHub does. */
  const github = createServer(async (request, response) => {
    const url = new URL(request.url!, 'http://localhost')
    requests.push(`${url.searchParams.get('api-version')} ${request.headers.authorization}`)
    issued = await platform.sign(githubClaims(platform.issuer, url.searchParams.get('audience')!, repository))
    response.setHeader('content-type', 'application/json').end(JSON.stringify({ count: issued.length, value: issued }))
  })
  const requests: string[] = []
  let repository: string
  let issued: string

  beforeAll(async () => {
    await once(github.listen(0, '127.0.0.1'), 'listening')
  })
  afterAll(() => github.close().closeAllConnections())
  beforeEach(() => {
    requests.length = 0
    repository = 'octo-org/octo-repo'
  })

  async function run(clientId: string, env: Environment = {}) {
    const { port } = github.address() as AddressInfo
    const { ended, written } = start('github-actions/call-api.mjs', clientId, {
      ACTIONS_ID_TOKEN_REQUEST_URL: `http://127.0.0.1:${port}/token?api-version=2.0`,
      ACTIONS_ID_TOKEN_REQUEST_TOKEN: 'job-token',
      ...env,
    })
    return { code: await ended, written: written() }
  }

  /** What a reader of the log sees: the runner hides what was masked before. */
  function logOf(written: string): string {
    const masked: string[] = []
    const shown = written.split('\n').flatMap((line) => {
      if (line.startsWith('::add-mask::')) {
        masked.push(line.slice('::add-mask::'.length))
        return []
      }
      return [masked.reduce((text, value) => text.replaceAll(value, '***'), line)]
    })
    return shown.join('\n')
  }

  test.each([{}, { GRANT_TYPE: JWT_BEARER_GRANT, SCOPE: 'read' }])(
    'calls the API with an access token, and its log has no token (%o)',
    async (env) => {
      const clientId = await register('github', 'octo-org/octo-repo', ['environment=prod'])
      const { code, written } = await run(clientId, env)
      expect([code, requests]).toEqual([0, ['2.0 Bearer job-token']])
      const [token] = sentTokens(written)
      expect(claimsOf(token!)).toMatchObject({ sub: clientId, aud: environment.api.identifier })
      const log = logOf(written)
      expect(log).toContain('"authorization":"Bearer ***"')
      for (const secret of [token!, issued]) expect(log).not.toContain(secret)
    },
  )

  test('fails in another repository: the log of the job has no reason, and the admin reads which claim is wrong', async () => {
    const clientId = await register('github', 'octo-org/octo-repo')
    repository = 'octo-org/other-repo'
    const { code, written } = await run(clientId)
    expect(code).toBe(1)
    expect(logOf(written).trim()).toBe(
      '::error::Keywright issued no access token: 401 {"error":"invalid_client","error_description":"client authentication failed"}',
    )
    expect(await refusalOf(clientId)).toBe(
      'identity_condition: repository: octo-org/other-repo (required: octo-org/octo-repo)',
    )
  })

  test('says which permission the job lacks', async () => {
    const { code, written } = await run('any', { ACTIONS_ID_TOKEN_REQUEST_URL: '' })
    expect([code, written]).toEqual([1, '::error::the job needs the permission id-token: write\n'])
  })

  test('has a workflow with the permission for tokens in one job only', async () => {
    const workflow = parse(await readFile(examplePath('github-actions/workflow.yml'), 'utf8'))
    const { permissions, environment: name, steps } = workflow.jobs.report
    expect([workflow.permissions, permissions, name]).toEqual([
      {},
      { contents: 'read', 'id-token': 'write' },
      'production',
    ])
    expect(steps.at(-1).run).toBe('node call-api.mjs')
    const program = await readFile(examplePath('github-actions/call-api.mjs'), 'utf8')
    for (const variable of Object.keys(steps.at(-1).env)) expect(program).toContain(variable)
  })
})

describe('the program for Kubernetes', () => {
  const EXPORT = 'system:serviceaccount:billing:export'

  /** Replaces the file at once, as the kubelet does. */
  async function placeToken(file: string, sub: string, lifetime = 600): Promise<void> {
    const now = Math.floor(Date.now() / 1000)
    const claims = { iss: platform.issuer, sub, aud: [environment.issuer], iat: now, nbf: now, exp: now + lifetime }
    await writeFile(`${file}.new`, `${await platform.sign(claims, { typ: undefined })}\n`)
    await rename(`${file}.new`, file)
  }

  const startExport = (clientId: string, file: string, env: Environment = {}) =>
    start('kubernetes/call-api.mjs', clientId, { TOKEN_FILE: file, ...env })

  test('calls the API once for a CronJob', async () => {
    const file = join(directory, 'once')
    await placeToken(file, EXPORT)
    const clientId = await register('kubernetes', 'billing/export')
    const { ended, written } = startExport(clientId, file, { SCOPE: 'read' })
    expect(await ended).toBe(0)
    expect(claimsOf(sentTokens(written())[0]!)).toMatchObject({ sub: clientId, scope: 'read' })
  })

  test('is refused with the token of another service account, and the admin reads which', async () => {
    const file = join(directory, 'other')
    await placeToken(file, 'system:serviceaccount:billing:default')
    const clientId = await register('kubernetes', 'billing/export')
    const { ended, written } = startExport(clientId, file)
    expect([await ended, written()]).toEqual([1, expect.stringContaining('401 {"error":"invalid_client"')])
    expect(await refusalOf(clientId)).toBe(
      `identity_condition: sub: system:serviceaccount:billing:default (required: ${EXPORT})`,
    )
  })

  test('reads the file again when the kubelet has replaced it, keeps its access token, and ends at SIGTERM', async () => {
    const file = join(directory, 'rotated')
    await placeToken(file, EXPORT, -60)
    const clientId = await register('kubernetes', 'billing/export')
    const { child, ended, written } = startExport(clientId, file, { INTERVAL: '0.05' })
    await until(async () => written().includes('401 {"error":"invalid_client"'))
    await placeToken(file, EXPORT)
    await until(async () => sentTokens(written()).length > 3)
    expect(new Set(sentTokens(written())).size).toBe(1)
    child.kill('SIGTERM')
    expect(await ended).toBe(0)
  })

  test.each(['deployment', 'cron-job'])('has a %s whose token is for Keywright alone, and short', async (name) => {
    const documents = parseAllDocuments(await readFile(examplePath(`kubernetes/${name}.yaml`), 'utf8'), {
      strict: true,
    })
    expect(documents.flatMap(({ errors }) => errors)).toEqual([])
    const objects = documents.map((document) => document.toJS())
    const { spec } = objects.at(-1).spec.jobTemplate?.spec.template ?? objects.at(-1).spec.template
    expect(new Set(objects.map(({ metadata }) => metadata.namespace))).toEqual(new Set(['billing']))
    expect(spec.serviceAccountName).toBe('export')
    const [container] = spec.containers
    const env = Object.fromEntries(container.env.map((one: { name: string; value: string }) => [one.name, one.value]))
    const [{ serviceAccountToken }] = spec.volumes[0].projected.sources
    expect(serviceAccountToken).toEqual({ path: 'token', audience: env.KEYWRIGHT_ISSUER, expirationSeconds: 600 })
    expect(spec.volumes.map((volume: { name: string }) => volume.name)).toEqual(
      container.volumeMounts.map((mount: { name: string }) => mount.name),
    )
    const program = await readFile(examplePath('kubernetes/call-api.mjs'), 'utf8')
    const { mountPath } = container.volumeMounts[0]
    for (const text of [`${mountPath}/${serviceAccountToken.path}`, ...Object.keys(env)])
      expect(program).toContain(text)
  })
})
