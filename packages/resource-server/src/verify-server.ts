import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AccessToken } from './access-token.ts'
import { type Answer, metadataAnswer, refusalAnswer } from './responses.ts'
import type { Verifier } from './verifier.ts'
import { type Question, questionOf } from './verify-server-requests.ts'

export interface VerifyServerOptions {
  readonly verifier: Verifier
  /** The API's, as its clients see it; without, as the gateway says. */
  readonly origin: string | undefined
  /** Told what went wrong here. */
  readonly onError: (error: unknown) => void
}

/** Bytes; a token of 16 kB, which the verifier takes, beside all else that gateways pass on. */
const MOST_HEADERS = 64 * 1024

/** Milliseconds; longer than gateways keep idle connections, or they would ask on one that is just being closed. */
const KEEP_ALIVE = 90_000

/** A header's value: what is not visible ASCII is percent-encoded, so that two subjects never look the same. */
const visible = (text: string): string =>
  text.replace(/[^\x21-\x7e]|%/gu, (character) =>
    [...Buffer.from(character)].map((byte) => `%${byte.toString(16).padStart(2, '0').toUpperCase()}`).join(''),
  )

/** All of them always: what a gateway does not overwrite would be the caller's word. */
const identity = ({ clientId, subject, scopes }: AccessToken): Record<string, string> => ({
  'x-client-id': visible(clientId),
  'x-subject': visible(subject),
  'x-scope': scopes.map(visible).join(' '),
})

/** nginx takes any status but these for a fault of its own, and answers 500. */
const forNginx = (answer: Answer): Answer => (answer.status === 400 ? { ...answer, status: 401 } : answer)

async function verify({ way, request, scopes }: Question, verifier: Verifier): Promise<Answer> {
  try {
    const token = await verifier.verify(request, { requiredScopes: scopes })
    return { status: 200, headers: { 'cache-control': 'no-store', ...identity(token) }, body: '' }
  } catch (error) {
    const answer = refusalAnswer(error, verifier)
    return way === 'auth_request' ? forNginx(answer) : answer
  }
}

const json = (status: number, body: unknown): Answer => ({
  status,
  headers: { 'content-type': 'application/json', 'cache-control': 'no-store' },
  body: JSON.stringify(body),
})

/** Alive, whatever the server is: while it is away, what is known of revocations serves on. */
function health({ settings, isLive }: Verifier): Answer {
  const { statusList } = settings
  const isFollowed = statusList !== false && statusList.feed !== undefined
  return json(200, { status: 'ok', feed: isFollowed ? (isLive() ? 'live' : 'away') : 'off' })
}

async function answer(req: IncomingMessage, { verifier, origin }: VerifyServerOptions): Promise<Answer> {
  const question = questionOf(req, origin)
  if (question) return await verify(question, verifier)
  const path = req.url!.replace(/\?.*/s, '')
  if (path === '/healthz') return health(verifier)
  return metadataAnswer(req.method!, path, verifier) ?? json(404, { error: 'not_found' })
}

async function respond(req: IncomingMessage, res: ServerResponse, options: VerifyServerOptions): Promise<void> {
  try {
    const { status, headers, body } = await answer(req, options)
    res.writeHead(status, headers).end(body)
  } catch (error) {
    options.onError(error)
    res.writeHead(500, { 'content-type': 'application/json' }).end('{"error":"server_error"}')
  }
}

/**
 * Answers gateways that ask about each request: nginx at `/auth_request`, Traefik and Caddy at `/forward_auth`, Envoy below
 * `/ext_authz`. 200 with who calls in `X-Client-Id`, `X-Subject` and `X-Scope`, or the refusal.
 */
export function createVerifyServer(options: VerifyServerOptions): Server {
  const settings = { maxHeaderSize: MOST_HEADERS, keepAliveTimeout: KEEP_ALIVE }
  return createServer(settings, (req, res) => void respond(req, res, options))
}
