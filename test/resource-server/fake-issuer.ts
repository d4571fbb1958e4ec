import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { deflateSync } from 'node:zlib'
import { calculateJwkThumbprint, exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose'
import type { Clock } from '../../packages/resource-server/src/clock.ts'

export const AUDIENCE = 'https://api.example.com/v1'
export const FEED = { clientId: 'kwa_weather', clientSecret: 'kws_secret' }

export const encodeBitmap = (bitmap: Uint8Array) => deflateSync(bitmap).toString('base64url')

/** A list as the fake server keeps it. */
export interface FakeList {
  bitmap: Uint8Array
  /** Claims in place of the usual ones; undefined takes one out. */
  claims: Record<string, unknown>
  header: Record<string, unknown>
  /** In place of the usual answer. */
  answer: ((req: IncomingMessage, res: ServerResponse) => void) | undefined
}

/** One connection of the feed. */
export interface FakeStream {
  readonly cursor: string | undefined
  readonly authorization: string | undefined
  send(text: string): void
  event(name: string, data: unknown, id?: string): void
  /** Tells the feed's heartbeat. */
  current(at?: number): void
  cut(): void
  readonly closed: boolean
}

export type FakeIssuer = Awaited<ReturnType<typeof startFakeIssuer>>

export async function makeKey(kid: string) {
  const { publicKey, privateKey } = await generateKeyPair('ES256', { extractable: true })
  return { kid, privateKey, jwk: { ...(await exportJWK(publicKey)), kid, alg: 'ES256', use: 'sig' } }
}

/** A server that serves keys, lists and the feed as Keywright does, and everything else that a test wants it to. */
export async function startFakeIssuer(clock: Clock = { wall: () => Date.now(), monotonic: () => performance.now() }) {
  const key = await makeKey('one')
  const stranger = await makeKey('one')
  const lists = new Map<string, FakeList>()
  const streams: FakeStream[] = []
  const asked: string[] = []
  let cursors = 0
  /** What was told up to each cursor. */
  const told = new Map<string, number>()
  const settings = {
    jwksDown: false,
    jwks: [key.jwk],
    feedAnswer: undefined as ((res: ServerResponse) => void) | undefined,
    /** Where a stream begins, if not two `ttl` and a bit ago or where its cursor says. */
    feedSince: undefined as number | undefined,
  }

  const server = createServer((req, res) => {
    asked.push(req.url!)
    if (req.url === '/oauth2/jwks') answerKeys(res)
    else if (req.url === '/oauth2/status/feed') openStream(req, res)
    else void answerList(req, res)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`

  function answerKeys(res: ServerResponse): void {
    res.statusCode = settings.jwksDown ? 503 : 200
    res.end(JSON.stringify({ keys: settings.jwks }))
  }

  function openStream(req: IncomingMessage, res: ServerResponse): void {
    if (settings.feedAnswer) {
      settings.feedAnswer(res)
      return
    }
    res.writeHead(200, { 'content-type': 'text/event-stream' })
    const cursor = req.headers['last-event-id'] as string | undefined
    const since = settings.feedSince ?? (cursor ? (told.get(cursor) ?? 0) : clock.wall() - 150_000)
    res.write(`retry: 20\n\nevent: since\ndata: {"at":${since}}\n\n`)
    const send = (text: string) => void res.write(text)
    streams.push({
      cursor,
      authorization: req.headers.authorization,
      send,
      event(name, data, id) {
        if (id !== undefined) told.set(id, (data as { at: number }).at)
        send(`${id === undefined ? '' : `id: ${id}\n`}event: ${name}\ndata: ${JSON.stringify(data)}\n\n`)
      },
      current(at = clock.wall()) {
        this.event('current', { at, lists: lists.size }, `c${++cursors}`)
      },
      cut: () => res.destroy(),
      get closed() {
        return res.destroyed
      },
    })
  }

  async function answerList(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const list = lists.get(req.url!)
    if (!list) return void res.writeHead(404).end()
    if (list.answer) return list.answer(req, res)
    const token = await listToken(req.url!, list)
    const etag = `"${Buffer.from(list.bitmap).toString('base64url').slice(0, 40)}-${list.claims.iat ?? ''}"`
    if (req.headers['if-none-match'] === etag) return void res.writeHead(304, { etag }).end()
    res.writeHead(200, { 'content-type': 'application/statuslist+jwt', etag }).end(token)
  }

  /** @param signer whoever signs it */
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
    stranger,
    lists,
    streams,
    asked,
    settings,
    listToken,
    /** How often that path was asked for. */
    count: (path: string) => asked.filter((one) => one === path).length,
    addList(
      path = '/oauth2/status/a',
      size = 65_536,
    ): FakeList & { readonly uri: string; revoke(index: number): void } {
      const list = {
        bitmap: new Uint8Array(size / 8),
        claims: {},
        header: {},
        answer: undefined,
        uri: url + path,
        revoke(index: number) {
          this.bitmap[index >> 3]! |= 1 << (index & 7)
        },
      }
      lists.set(path, list)
      return list
    },
    /** An access token; claims that are undefined are left out. */
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

/** A clock that stands still until it is moved. */
export function handClock(wall = Math.floor(Date.now() / 1000) * 1000) {
  let monotonic = 1000
  const clock = { wall: () => wall, monotonic: () => monotonic }
  return {
    ...clock,
    advance(milliseconds: number) {
      wall += milliseconds
      monotonic += milliseconds
    },
    /** Somebody sets the clock on the wall. */
    set(milliseconds: number) {
      wall += milliseconds
    },
  }
}

/** Another machine's clock that differs by that much. */
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
