import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Knex } from 'knex'
import type { ClientKey } from './client-assertions.ts'

type Respond = (response: ServerResponse) => void

export const jwkSet = (...keys: readonly ClientKey[]): string => JSON.stringify({ keys: keys.map(({ jwk }) => jwk) })

/** Responds with a document as a JWK set. */
export const documentOf =
  (text: string, headers: Record<string, string> = {}): Respond =>
  (response) =>
    response.writeHead(200, { 'content-type': 'application/json', ...headers }).end(text)

/** A server at which clients publish their keys, each at a path of its own. */
export async function startKeyServer() {
  const responses = new Map<string, Respond>()
  const requests: string[] = []
  const server = createServer((request, response) => {
    requests.push(request.url!)
    const respond = responses.get(request.url!)
    if (respond) respond(response)
    else response.writeHead(404).end()
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  let paths = 0
  return {
    origin,
    /** A new URL, and what it responds from now on. */
    publish(first: Respond) {
      const path = `/jwks-${++paths}`
      responses.set(path, first)
      return {
        uri: origin + path,
        respond: (next: Respond) => void responses.set(path, next),
        requests: () => requests.filter((one) => one === path).length,
      }
    },
    stop() {
      server.closeAllConnections()
      server.close()
    },
  }
}

/** Lets the next unknown key be a reason to fetch, as if the cooldown had passed; the job has no reason to. */
export async function endCooldown(knex: Knex, clientKey: number): Promise<void> {
  await knex('client_key_sets')
    .where({ client_id: clientKey })
    .update({ claimed_at: knex.raw(`now() - interval '61 s'`), next_fetch_at: knex.raw(`now() + interval '1 hour'`) })
}

/** Makes the job fetch the keys at its next run. */
export async function makeDue(knex: Knex, clientKey: number): Promise<void> {
  await knex('client_key_sets').where({ client_id: clientKey }).update({ next_fetch_at: knex.fn.now() })
}
