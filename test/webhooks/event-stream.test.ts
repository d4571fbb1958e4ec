import { afterAll, beforeAll, expect, test } from 'vitest'
import { recordAudit } from '../../src/audit/audit-log.ts'
import { DEFAULT_SETTINGS } from '../../src/clients/client-settings.ts'
import { createClient } from '../../src/management/client-registration.ts'
import { changeClientStatus } from '../../src/management/client-status.ts'
import { MANAGEMENT_API } from '../../src/management/management-scopes.ts'
import { ACTOR } from '../support/factory.ts'
import { type Keywright, startKeywright } from '../support/keywright.ts'
import { until } from '../support/load.ts'

let server: Keywright
let operator: Caller
let account: string
let admin: Caller

type Caller = Awaited<ReturnType<typeof callerOf>>

/** A program that acts for an account, or for the instance. */
async function callerOf(accountId: string | null) {
  const settings = { ...DEFAULT_SETTINGS, name: 'Reader', grants: ['client_credentials'] }
  const request = { accountId, settings, apis: [MANAGEMENT_API], scopes: null }
  const { client, clientSecret } = await createClient(server.knex, request, ACTOR)
  const { body } = await server.machineToken({ clientId: client.clientId, clientSecret: clientSecret! })
  return { clientId: client.clientId, token: body.access_token as string }
}

beforeAll(async () => {
  server = await startKeywright()
  account = await server.make.account()
  operator = await callerOf(null)
  admin = await callerOf(account)
})

afterAll(() => server?.stop())

interface Received {
  readonly id: string
  readonly data: {
    readonly action: string
    readonly account_id: string | null
    readonly target: { readonly id: string }
  }
}

const open = (token: string, headers: Record<string, string> = {}, query = '') => {
  const stop = new AbortController()
  const request = { headers: { authorization: `Bearer ${token}`, ...headers }, signal: stop.signal }
  return { stop, response: fetch(`${server.url}/api/v1/events${query}`, request) }
}

/** Reads a stream in the background. */
async function follow({ token }: Caller, lastEventId?: string, query = '') {
  const { stop, response } = open(token, lastEventId === undefined ? {} : { 'last-event-id': lastEventId }, query)
  const { body, status, headers } = await response
  expect([status, headers.get('content-type')]).toEqual([200, 'text/event-stream; charset=utf-8'])
  let text = ''
  let ended: 'cleanly' | 'broken' | undefined
  const reading = (async () => {
    for await (const chunk of body!.pipeThrough(new TextDecoderStream())) text += chunk
  })().then(
    () => {
      ended = 'cleanly'
    },
    () => {
      ended = 'broken'
    },
  )
  const blocks = () => text.split('\n\n').slice(0, -1)
  const events = (): Received[] =>
    blocks().flatMap((block) => {
      const [, id, data] = /^id: (\S+)\ndata: (.*)$/.exec(block) ?? []
      return id ? [{ id, data: JSON.parse(data!) }] : []
    })
  return {
    events,
    lastId: () =>
      text
        .match(/id: (\S+)/g)
        ?.at(-1)
        ?.slice(4),
    end: () => ended,
    async stop() {
      stop.abort()
      await reading
    },
  }
}

const record = (target: string, accountId: string | null) =>
  recordAudit(server.knex, ACTOR, { action: 'client.updated', target: { type: 'client', id: target }, accountId })

const targetsOf = ({ events }: Awaited<ReturnType<typeof follow>>) => events().map(({ data }) => data.target.id)

test('events arrive as they are committed, and a reader continues without a gap after the last ID', async () => {
  const stream = await follow(operator)
  await until(() => stream.lastId() !== undefined)
  await record('stream-1', null)
  await until(() => targetsOf(stream).includes('stream-1'))
  await stream.stop()
  const last = stream.events().find(({ data }) => data.target.id === 'stream-1')!.id
  for (const name of ['stream-2', 'stream-3']) await record(name, account)
  const again = await follow(operator, last)
  await until(() => targetsOf(again).includes('stream-3'))
  expect(targetsOf(again)).not.toContain('stream-1')
  expect(targetsOf(again).filter((name) => name.startsWith('stream'))).toEqual(['stream-2', 'stream-3'])
  await again.stop()
})

test('a transaction that commits late appears after others, and is not missed', async () => {
  const stream = await follow(operator)
  await until(() => stream.lastId() !== undefined)
  const late = await server.knex.transaction()
  await recordAudit(late, ACTOR, { action: 'client.updated', target: { type: 'client', id: 'late' } })
  await record('early', null)
  await until(() => targetsOf(stream).includes('early'))
  await late.commit()
  await until(() => targetsOf(stream).includes('late'))
  expect(targetsOf(stream).indexOf('late')).toBeGreaterThan(targetsOf(stream).indexOf('early'))
  await stream.stop()
})

test('an admin reads the events of the own account only, and the ID moves on with those of others', async () => {
  const other = await server.make.account()
  const stream = await follow(admin)
  await until(() => stream.lastId() !== undefined)
  const before = stream.lastId()
  await record('of-others', other)
  await until(() => stream.lastId() !== before)
  await record('own', account)
  await until(() => targetsOf(stream).includes('own'))
  expect(stream.events().every(({ data }) => data.account_id === account)).toBe(true)
  await stream.stop()
  const { response } = open(admin.token, {}, `?account_id=${other}`)
  expect((await response).status).toBe(404)
})

test('from 0 the whole log is read, once and in order', async () => {
  const { seq: max } = await server.knex('audit_log').whereNotNull('seq').orderBy('seq', 'desc').first('seq')
  const stream = await follow(operator, '0')
  await until(() => stream.events().length >= max)
  const numbers = stream.events().map(({ id }) => Number(id.split('-')[0]))
  expect(numbers.slice(0, max)).toEqual(Array.from({ length: max }, (_, n) => n + 1))
  await stream.stop()
})

test.each([
  ['no ID', 'x', 400],
  ['a number alone', '5', 400],
  ['an event that does not exist yet', '999999999-0123456789ab', 409],
  ['an event of another database', '1-0123456789ab', 409],
])('%s as the last ID is refused', async (_, id, expected) => {
  const response = await open(operator.token, { 'last-event-id': id }).response
  expect([response.status, response.headers.get('content-type')]).toEqual([
    expected,
    expect.stringContaining('problem+json'),
  ])
  const inQuery = await open(operator.token, {}, `?last_event_id=${id}`).response
  expect(inQuery.status).toBe(expected)
})

test('a stream ends when its client is archived', async () => {
  const reader = await callerOf(account)
  const stream = await follow(reader)
  await changeClientStatus(server.knex, reader.clientId, 'archived', ACTOR)
  await until(() => stream.end() !== undefined)
})

test('a fifth stream of a caller is refused', async () => {
  const reader = await callerOf(account)
  const streams = []
  for (let n = 0; n < 4; n++) streams.push(await follow(reader))
  expect((await open(reader.token).response).status).toBe(429)
  for (const stream of streams) await stream.stop()
})

test('a server that stops ends its streams cleanly', async () => {
  const stream = await follow(operator)
  await server.stopServing()
  await until(() => stream.end() !== undefined)
  expect(stream.end()).toBe('cleanly')
})
