import type { Socket } from 'node:net'
import type { Context, Middleware } from 'koa'
import type { Log } from '../shared/log.ts'
import { normalizeAddress } from '../shared/networks.ts'

/** What is recorded where the proxy names no address; all such requests share the limits of one network. */
export const UNKNOWN_ADDRESS = 'unknown'

/** The peers of open connections, which serve many requests. */
const peers = new WeakMap<Socket, string | undefined>()

/** The normalised address of a connection's peer. */
function peerAddress(socket: Socket): string | undefined {
  if (!peers.has(socket)) peers.set(socket, normalizeAddress(socket.remoteAddress ?? ''))
  return peers.get(socket)
}

/** Text enough to find the proxy that sent it. */
const LONGEST_LOGGED = 100

/** `"[2001:db8::7]:4711"`, `[2001:db8::7]`, `192.0.2.7:4711` and either address alone (RFC 7239, section 6). */
function parseNodeAddress(node: string): string | undefined {
  const text = node.trim().replace(/^"([^"]*)"$/, '$1')
  const [, bracketed] = /^\[([^\]]*)\](?::\w*)?$/.exec(text) ?? []
  const [, ofIPv4] = /^([\d.]+):\w*$/.exec(text) ?? []
  return normalizeAddress(bracketed ?? ofIPv4 ?? text)
}

/** The last element is what the nearest proxy added; those before it came with the request. */
const lastOf = (list: string): string => list.slice(list.lastIndexOf(',') + 1)

/** The `for` parameter of a `Forwarded` header's last element (RFC 7239, section 5.2). */
function forwardedFor(header: string): string {
  const parameters = lastOf(header)
    .split(';')
    .map((one) => one.trim())
  return parameters.find((one) => /^for=/i.test(one))?.slice('for='.length) ?? ''
}

/** What a proxy says of the address that it got the request from; undefined where it says nothing. */
function namedByProxy(ctx: Context): string | undefined {
  const [list, forwarded] = [ctx.get('x-forwarded-for'), ctx.get('forwarded')]
  if (list) return lastOf(list)
  return forwarded ? forwardedFor(forwarded) : undefined
}

/**
 * Sets `ctx.ip` to the client's address, normalised: behind a proxy of the operator's to the one that the proxy names,
 * else to the connection's. A proxy that names none is logged once.
 */
export function takeClientAddress({ trustProxy, log }: { trustProxy: boolean; log: Log }): Middleware {
  let isLogged = false

  function warnOnce(text: string): void {
    if (isLogged) return
    isLogged = true
    const detail = text.slice(0, LONGEST_LOGGED)
    log.warn({ detail }, 'the proxy names no address of the client; such requests share one set of limits')
  }

  return async (ctx, next) => {
    const named = trustProxy ? namedByProxy(ctx) : undefined
    const address = named === undefined ? peerAddress(ctx.req.socket) : parseNodeAddress(named)
    if (named !== undefined && !address) warnOnce(named)
    ctx.request.ip = address ?? UNKNOWN_ADDRESS
    await next()
  }
}
