import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { deflateSync } from 'node:zlib'
import { calculateJwkThumbprint, exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose'
import type { Clock } from '../../packages/resource-server/src/clock.ts'

export const AUDIENCE = 'https://api.example.com/v1'
export const FEED = { clientId: 'kwa_weather', clientSecret: 'kws_secret' }

export const encodeBitmap = (bitmap: Uint8Array) => deflateSync(bitmap).toString('base64url')

/** A status list of the fake issuer. */
export interface FakeList {
  bitmap: Uint8Array
  /** Replace the usual claims; undefined removes one. */
  claims: Record<string, unknown>
  header: Record<string, unknown>
  /** Replaces the usual response. */
  respond: ((req: IncomingMessage, res: ServerResponse) => void) | undefined
}

/** One connection of the feed. */
export interface FakeStream {
  readonly cursor: string | undefined
  readonly authorization: string | undefined
  send(text: string): void
  event(name: string, data: unknown, id?: string): void
  /** Sends a heartbeat. */
  current(at?: number): void
  disconnect(): void
  readonly closed: boolean
}

export type FakeIssuer = Awaited<ReturnType<typeof startFakeIssuer>>

export async function makeKey(kid: string) {
  const { publicKey, privateKey } = await generateKeyPair('ES256', { extractable: true })
  return { kid, privateKey, jwk: { ...(await exportJWK(publicKey)), kid, alg: 'ES256', use: 'sig' } }
}

/** A server that serves keys, lists and the feed as Keywright does, or as a test says. */
export async function startFakeIssuer(clock: Clock = { wall: () => Date.now(), monotonic: () => performance.now() }) {
  const key = await makeKey('one')
  const otherKey = await makeKey('one')
  const lists = new Map<string, FakeList>()
  const streams: FakeStream[] = []
  const requests: string[] = []
  let cursors = 0
  /** The time of the event at each cursor. */
  const cursorTimes = new Map<string, number>()
  const settings = {
    jwksDown: false,
    jwks: [key.jwk],
    feedResponse: undefined as ((res: ServerResponse) => void) | undefined,
    /** Where a stream starts. Default: at its cursor, or 150 s ago. */
    feedSince: undefined as number | undefined,
  }

  const server = createServer((req, res) => {
    requests.push(req.url!)
    if (req.url === '/oauth2/jwks') sendKeys(res)
    else if (req.url === '/oauth2/status/feed') openStream(req, res)
    else void sendList(req, res)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`

  function sendKeys(res: ServerResponse): void {
    res.statusCode = settings.jwksDown ? 503 : 200
    res.end(JSON.stringify({ keys: settings.jwks }))
  }

  function openStream(req: IncomingMessage, res: ServerResponse): void {
    if (settings.feedResponse) {
      settings.feedResponse(res)
      return
    }
    res.writeHead(200, { 'content-type': 'text/event-stream' })
    const cursor = req.headers['last-event-id'] as string | undefined
    const since = settings.feedSince ?? (cursor ? (cursorTimes.get(cursor) ?? 0) : clock.wall() - 150_000)
    res.write(`retry: 20\n\nevent: since\ndata: {"at":${since}}\n\n`)
    const send = (text: string) => void res.write(text)
    streams.push({
      cursor,
      authorization: req.headers.authorization,
      send,
      event(name, data, id) {
        if (id !== undefined) cursorTimes.set(id, (data as { at: number }).at)
        send(`${id === undefined ? '' : `id: ${id}\n`}event: ${name}\ndata: ${JSON.stringify(data)}\n\n`)
      },
      current(at = clock.wall()) {
        this.event('current', { at, lists: lists.size }, `c${++cursors}`)
      },
      disconnect: () => res.destroy(),
      get closed() {
        return res.destroyed
      },
    })
  }

  async function sendList(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const list = lists.get(req.url!)
    if (!list) return void res.writeHead(404).end()
    if (list.respond) return list.respond(req, res)
    const token = await listToken(req.url!, list)
    const etag = `"${Buffer.from(list.bitmap).toString('base64url').slice(0, 40)}-${list.claims.iat ?? ''}"`
    if (req.headers['if-none-match'] === etag) return void res.writeHead(304, { etag }).end()
    res.writeHead(200, { 'content-type': 'application/statuslist+jwt', etag }).end(token)
  }

  /** @param signer the key that signs it */
  async function listToken(path: string, list: FakeList, signer = key): Promise<string> {
    const iat = Math.floor(clock.wall() / 1000)
    const status_list = { bits: 1, lst: encodeBitmap(list.bitmap) }
    const claims = { sub: url + path, iss: url, iat, exp: iat + 600, ttl: 60, status_list, ...list.claims }
    return await new SignJWT(claims as JWTPayload)
      .setProtectedHeader({ alg: 'ES256', kid: signer.kid, typ: 'statuslist+jwt', ...list.header })
      .sign(signer.privateKey)
  }

  return {
    url,
    key,
    /** Another key with the same `kid`. */
    otherKey,
    lists,
    streams,
    requests,
    settings,
    listToken,
    /** The number of requests for that path. */
    count: (path: string) => requests.filter((one) => one === path).length,
    addList(
      path = '/oauth2/status/a',
      size = 65_536,
    ): FakeList & { readonly uri: string; revoke(index: number): void } {
      const list = {
        bitmap: new Uint8Array(size / 8),
        claims: {},
        header: {},
        respond: undefined,
        uri: url + path,
        revoke(index: number) {
          this.bitmap[index >> 3]! |= 1 << (index & 7)
        },
      }
      lists.set(path, list)
      return list
    },
    /** An access token; undefined removes a claim. */
    async token(claims: Record<string, unknown> = {}, header: Record<string, unknown> = {}, signer = key) {
      const iat = Math.floor(clock.wall() / 1000)
      const usual = {
        iss: url,
        aud: AUDIENCE,
        sub: 'kwk_app',
        client_id: 'kwk_app',
        scope: 'read write',
        jti: 'j',
        iat,
      }
      return await new SignJWT({ ...usual, exp: iat + 3600, ...claims } as JWTPayload)
        .setProtectedHeader({ alg: 'ES256', kid: signer.kid, typ: 'at+jwt', ...header })
        .sign(signer.privateKey)
    },
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

/** A clock that only moves when a test advances it. */
export function handClock(wall = Math.floor(Date.now() / 1000) * 1000) {
  let monotonic = 1000
  const clock = { wall: () => wall, monotonic: () => monotonic }
  return {
    ...clock,
    advance(milliseconds: number) {
      wall += milliseconds
      monotonic += milliseconds
    },
    /** Sets the wall clock ahead or back. */
    set(milliseconds: number) {
      wall += milliseconds
    },
  }
}

/** The clock of another machine, with another time. */
export const shifted = (clock: Clock, milliseconds: number): Clock => ({
  wall: () => clock.wall() + milliseconds,
  monotonic: clock.monotonic,
})

/** A client's key for DPoP, and its proofs (RFC 9449, section 4.2). */
export async function makeProver() {
  const { publicKey, privateKey } = await generateKeyPair('ES256', { extractable: true })
  const jwk = await exportJWK(publicKey)
  return {
    jkt: await calculateJwkThumbprint(jwk),
    privateKey,
    jwk,
    async proof(claims: Record<string, unknown>, header: Record<string, unknown> = {}) {
      return await new SignJWT({
        iat: Math.floor(Date.now() / 1000),
        jti: crypto.randomUUID(),
        ...claims,
      } as JWTPayload)
        .setProtectedHeader({ alg: 'ES256', typ: 'dpop+jwt', jwk, ...header })
        .sign(privateKey)
    },
  }
}
