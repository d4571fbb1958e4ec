/** An issuer of tokens for workloads, with the two documents that relying parties read. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { exportJWK, generateKeyPair, type JWK, type JWTPayload, SignJWT } from 'jose'

/** A key by which an issuer signs. */
export async function newIssuerKey(kid: string, alg = 'RS256') {
  const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true })
  return { kid, alg, privateKey, jwk: { ...(await exportJWK(publicKey)), kid, alg, use: 'sig' } as JWK }
}

export type IssuerKey = Awaited<ReturnType<typeof newIssuerKey>>

/** Signs any claims; undefined ones are left out. */
export const signClaims = ({ alg, kid, privateKey }: IssuerKey, claims: JWTPayload, header = {}): Promise<string> =>
  new SignJWT(claims).setProtectedHeader({ typ: 'JWT', alg, kid, ...header }).sign(privateKey)

/** The claims of a workflow run, as GitHub documents them. */
export const githubClaims = (issuer: string, audience: string, repository = 'octo-org/octo-repo'): JWTPayload => {
  const now = Math.floor(Date.now() / 1000)
  const owner = repository.split('/')[0]
  return {
    jti: `example-id-${now}-${Math.random()}`,
    sub: `repo:${repository}:environment:prod`,
    environment: 'prod',
    aud: audience,
    ref: 'refs/heads/main',
    sha: 'example-sha',
    repository,
    repository_owner: owner,
    actor_id: '12',
    repository_visibility: 'private',
    repository_id: '74',
    repository_owner_id: '65',
    run_id: 'example-run-id',
    run_number: '10',
    run_attempt: '2',
    runner_environment: 'github-hosted',
    actor: 'octocat',
    workflow: 'example-workflow',
    head_ref: '',
    base_ref: '',
    event_name: 'workflow_dispatch',
    ref_type: 'branch',
    job_workflow_ref: 'octo-org/octo-automation/.github/workflows/oidc.yml@refs/heads/main',
    iss: issuer,
    nbf: now - 600,
    exp: now + 300,
    iat: now,
  }
}

export interface MockIssuer {
  readonly issuer: string
  readonly key: IssuerKey
  /** The keys that it publishes now. */
  keys: JWK[]
  /** Answers instead of the usual documents. */
  respond: ((request: IncomingMessage, response: ServerResponse) => void) | undefined
  /** Requests for the key set so far. */
  readonly reads: () => number
  sign(claims: JWTPayload, header?: object): Promise<string>
  stop(): Promise<void>
}

export async function startMockIssuer(key?: IssuerKey): Promise<MockIssuer> {
  const own = key ?? (await newIssuerKey('first'))
  let reads = 0
  const server = createServer((request, response) => {
    if (request.url === '/jwks') reads++
    if (mock.respond) return mock.respond(request, response)
    response.setHeader('content-type', 'application/json')
    if (request.url === '/.well-known/openid-configuration')
      response.end(JSON.stringify({ issuer: mock.issuer, jwks_uri: `${mock.issuer}/jwks` }))
    else if (request.url === '/jwks') response.end(JSON.stringify({ keys: mock.keys }))
    else response.writeHead(404).end()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const mock: MockIssuer = {
    issuer: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    key: own,
    keys: [own.jwk],
    respond: undefined,
    reads: () => reads,
    sign: (claims, header) => signClaims(own, claims, header),
    async stop() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
  return mock
}
