import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { decodePosition, encodePosition } from '../../src/audit/audit-events.ts'
import { recordAudit } from '../../src/audit/audit-log.ts'
import { deleteExpiredAuditEvents, sealAudit } from '../../src/audit/audit-sealing.ts'
import { DEFAULT_SETTINGS } from '../../src/clients/client-settings.ts'
import { createClient } from '../../src/management/client-registration.ts'
import { changeClientStatus } from '../../src/management/client-status.ts'
import { MANAGEMENT_API } from '../../src/management/management-scopes.ts'
import { createEncryptionKeys } from '../../src/shared/encryption-keys.ts'
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
    readonly seq: number | null
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
    problem: () => JSON.parse(/^event: problem\ndata: (.*)$/m.exec(text)?.[1] ?? 'null'),
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

test('an admin reads the events of the own account only, without their positions among those of all accounts', async () => {
  const other = await server.make.account()
  const stream = await follow(admin)
  await until(() => stream.lastId() !== undefined)
  await record('of-others', other)
  await record('own', account)
  await until(() => targetsOf(stream).includes('own'))
  const [own] = stream.events().filter(({ data }) => data.target.id === 'own')
  expect(stream.events().every(({ data }) => data.account_id === account)).toBe(true)
  expect(own!.data.seq).toBeNull()
  await stream.stop()
  const again = await follow(admin, own!.id)
  await until(() => again.lastId() !== undefined)
  // The same position has another ID each time, so that equal IDs do not tell that nothing happened.
  expect(again.lastId()).not.toBe(own!.id)
  await again.stop()
  const { response } = open(admin.token, {}, `?account_id=${other}`)
  expect((await response).status).toBe(404)
})

test('an ID hides the position, and every node reads it, also with a new encryption key', async () => {
  const secret = randomBytes(32)
  const position = { seq: 1_234_567, hash: '0123456789ab' }
  const [one, other] = [createEncryptionKeys([secret]), createEncryptionKeys([randomBytes(32), secret])]
  const ids = [encodePosition(one, position), encodePosition(one, position)]
  expect(new Set(ids).size).toBe(2)
  for (const id of ids) {
    expect(id).toMatch(/^[\w-]{80,120}$/)
    const bytes = Buffer.from(id, 'base64url').toString('latin1')
    expect(bytes.includes('1234567') || bytes.includes('0123456789ab')).toBe(false)
    expect(decodePosition(other, id)).toEqual(position)
    expect(decodePosition(createEncryptionKeys([randomBytes(32)]), id)).toBeUndefined()
  }
})

test('from 0 the whole log is read, once and in order', async () => {
  const { seq: max } = await server.knex('audit_log').whereNotNull('seq').orderBy('seq', 'desc').first('seq')
  const stream = await follow(operator, '0')
  await until(() => stream.events().length >= max)
  const numbers = stream.events().map(({ data }) => data.seq)
  expect(numbers.slice(0, max)).toEqual(Array.from({ length: max }, (_, n) => n + 1))
  await stream.stop()
})

const idOf = (seq: number, hash: string) => encodePosition(server.instance.encryptionKeys, { seq, hash })

test.each([
  ['no ID', () => 'x', 400],
  ['a position that is not encrypted', () => '5-0123456789ab', 400],
  ['an event that does not exist yet', () => idOf(999_999_999, '0123456789ab'), 409],
  ['an event of another database', () => idOf(1, '0123456789ab'), 409],
])('%s as the last ID is refused', async (_, idNow, expected) => {
  const id = idNow()
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

test('a stream that the deletion of old events overtook says so, and ends; from its last ID the response is 409', async () => {
  const stream = await follow(operator)
  await until(() => stream.lastId() !== undefined)
  const { encryptionKeys } = server.instance
  await server.knex.transaction(async (trx) => {
    await trx.raw(`SELECT pg_advisory_xact_lock(hashtext('keywright audit sealing'))`)
    // The stream waits, as it does while its reader pauses.
    await trx.raw('LOCK TABLE audit_chain IN ACCESS EXCLUSIVE MODE')
    await recordAudit(trx, ACTOR, { action: 'client.updated', target: { type: 'client', id: 'missed' } })
    await sealAudit(trx, encryptionKeys, 500)
    await deleteExpiredAuditEvents(trx, encryptionKeys, -1, 100_000)
  })
  await until(() => stream.end() !== undefined)
  expect(stream.end()).toBe('cleanly')
  expect(stream.problem()).toMatchObject({ status: 409, type: 'urn:keywright:error:conflict' })
  expect(targetsOf(stream)).not.toContain('missed')
  const again = await open(operator.token, { 'last-event-id': stream.lastId()! }).response
  expect(again.status).toBe(409)
})

test('a server that stops ends its streams cleanly', async () => {
  const stream = await follow(operator)
  await server.stopServing()
  await until(() => stream.end() !== undefined)
  expect(stream.end()).toBe('cleanly')
})
