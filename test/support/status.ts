import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import { text } from 'node:stream/consumers'
import { getListFromStatusListJWT, getStatusListFromJWT } from '@sd-jwt/jwt-status-list'
import { createLocalJWKSet, jwtVerify } from 'jose'
import { decode, setIndexesOf } from '../../src/status/status-bitmap.ts'
import { until } from './load.ts'
import { basicHeader, type Credentials, claimsOf, send } from './requests.ts'

export const placeOf = (token: string): { idx: number; uri: string } => getStatusListFromJWT(token)

const nameOf = ({ idx, uri }: { idx: number; uri: string }) => `${uri}#${idx}`

/** The status list and index of a token, as one word. */
export const placeName = (token: string): string => nameOf(placeOf(token))

/** The status list at a node, whatever its issuer is. */
export const fetchList = (node: { url: string }, uri: string, init?: RequestInit) =>
  send(node.url + new URL(uri).pathname, init)

/** What a node's list says of a token: verified by its key set, and read by what nobody here wrote. */
export async function statusAt(node: { url: string }, token: string): Promise<number> {
  const { idx, uri } = placeOf(token)
  const { status, text: jwt } = await fetchList(node, uri)
  if (status !== 200) throw new Error(`the list answers ${status}: ${jwt}`)
  const keys = createLocalJWKSet((await send(`${node.url}/oauth2/jwks`)).body)
  const { payload } = await jwtVerify(jwt, keys, { typ: 'statuslist+jwt', subject: uri })
  if (payload.iss !== claimsOf(token).iss) throw new Error(`the list is of ${payload.iss}`)
  return getListFromStatusListJWT(jwt).getStatus(idx)
}

/**
 * Resolves when the lists of all nodes say that the tokens are revoked. A node may serve lists that are half a second old, so
 * the feed of one node says nothing of the lists of another.
 */
export async function revokedInLists(nodes: readonly { url: string }[], tokens: readonly string[]): Promise<void> {
  for (const node of nodes) {
    for (const token of tokens) await until(async () => (await statusAt(node, token)) === 1)
  }
}

export interface FeedEvent {
  readonly event: string
  readonly id: string | undefined
  // biome-ignore lint/suspicious/noExplicitAny: each kind of event has a shape of its own, which tests look into
  readonly data: any
}

function parseEvent(block: string): FeedEvent | undefined {
  const fields = new Map(block.split('\n').map((line) => [line.split(': ')[0]!, line.slice(line.indexOf(': ') + 2)]))
  const [event, data] = [fields.get('event'), fields.get('data')]
  return event && data ? { event, id: fields.get('id'), data: JSON.parse(data) } : undefined
}

/** All that an event tells to be revoked. */
function namesIn({ data }: FeedEvent): string[] {
  return data.lists.flatMap((list: { uri: string; idx?: number[]; lst?: string }) =>
    (list.idx ?? setIndexesOf(decode(list.lst!))!).map((idx) => nameOf({ uri: list.uri, idx })),
  )
}

export type Feed = Awaited<ReturnType<typeof openFeed>>

/** Sends a request on a connection of its own: cut off, `fetch` would open another one. */
async function get(url: string, headers: Record<string, string>): Promise<IncomingMessage> {
  const asked = request(url, { headers, agent: false }).end()
  const [response] = (await once(asked, 'response')) as [IncomingMessage]
  return response
}

/** Listens to a node's feed as an API. `from`: the id of the last event, of a stream before. */
export async function openFeed(node: { url: string }, api: Credentials, from?: string) {
  const headers = {
    authorization: basicHeader(api),
    accept: 'text/event-stream',
    ...(from !== undefined && { 'last-event-id': from }),
  }
  const response = await get(`${node.url}/oauth2/status/feed`, headers)
  if (response.statusCode !== 200) throw new Error(`the feed answers ${response.statusCode}: ${await text(response)}`)
  const events: FeedEvent[] = []
  const revoked = new Set<string>()
  let ended = false
  async function read(): Promise<void> {
    let rest = ''
    for await (const chunk of response.setEncoding('utf8')) {
      const parts = (rest + chunk).split('\n\n')
      rest = parts.pop()!
      for (const event of parts.map(parseEvent)) {
        if (!event) continue
        events.push(event)
        if (event.event === 'revoked') for (const name of namesIn(event)) revoked.add(name)
      }
    }
  }
  const reading = read()
    .catch(() => undefined)
    .finally(() => {
      ended = true
    })
  return {
    events,
    revoked,
    headers: response.headers,
    isEnded: () => ended,
    lastId: () => events.findLast(({ id }) => id)?.id,
    isTold: (token: string) => revoked.has(placeName(token)),
    /** Resolves when the feed has reported all of them. */
    reported: (tokens: readonly string[]) => until(() => tokens.every((token) => revoked.has(placeName(token)))),
    /** Resolves when the feed has reported everything that was committed by then; `at` by the database's clock. */
    current: (at: number) => until(() => events.some(({ event, data }) => event === 'current' && data.at >= at)),
    async close() {
      response.destroy()
      await reading
    },
  }
}
