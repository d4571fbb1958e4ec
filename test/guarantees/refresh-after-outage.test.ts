/** A public client that retries a refresh after an outage gets the same tokens. Without an outage, a late retry revokes the grant. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { activeAmong, served, until } from '../support/load.ts'
import { type Nodes, startNode, startNodes } from '../support/nodes.ts'
import type { Credentials } from '../support/requests.ts'
import { openSignedInBrowser, redemptionOf, type SignedInBrowser } from '../support/signed-in-browsers.ts'
import { startTcpProxy, type TcpProxy } from '../support/tcp-proxy.ts'

let on: Nodes
let proxy: TcpProxy
let behind: Awaited<ReturnType<typeof startNode>>[]
let api: Credentials & { identifier: string }
let app: { clientId: string; key: number }
let visitor: SignedInBrowser

beforeAll(async () => {
  on = await startNodes(0)
  const url = new URL(on.env.DATABASE_URL!)
  proxy = await startTcpProxy({ host: url.hostname, port: Number(url.port) })
  url.port = String(proxy.port)
  behind = await Promise.all([0, 1].map(() => startNode({ ...on.env, DATABASE_URL: url.href })))
  api = await on.make.api()
  app = await on.make.application([api.identifier], { isPublic: true })
  visitor = await openSignedInBrowser(behind[0]!, await on.make.person())
})

afterAll(async () => {
  await proxy?.heal()
  await Promise.all((behind ?? []).map((node) => node.stop()))
  await proxy?.cut()
  await on?.stop()
})

const ask = (form: Record<string, string>, n = 0) => behind[n]!.token({ ...form, client_id: app.clientId })
const refresh = (token: string, n = 0) => ask({ grant_type: 'refresh_token', refresh_token: token }, n)

/** A redeemed refresh token, and the response that the client did not receive. */
async function lostAnswer() {
  const { page, verifier } = await visitor.follow(app as Credentials, { scope: 'read' })
  const asked = page.left ? page : await visitor.submit(page, /allow$/)
  const first = await ask(redemptionOf({ code: asked.left!.searchParams.get('code')!, verifier }) as never)
  expect(first.status, first.text).toBe(200)
  const lost = await refresh(first.body.refresh_token)
  expect(lost.status, lost.text).toBe(200)
  return { token: first.body.refresh_token as string, lost: lost.body }
}

const earlier = (column: string, seconds: number) => ({
  [column]: on.knex.raw(`${column} - make_interval(secs => ?)`, [seconds]),
})

const redeemedEarlier = (seconds: number) =>
  on.knex('refresh_tokens').where({ client_id: app.key }).update(earlier('rotated_at', seconds))

const isBeating = async () =>
  (await on.knex('service_heartbeat').whereRaw(`at > clock_timestamp() - interval '10 seconds'`)).length === 1

/** The nodes can write, and no earlier outage is recorded. Also a pause of a machine counts as one that is long enough. */
async function calm(): Promise<void> {
  await until(isBeating)
  await on.knex('service_heartbeat').update({ at: on.knex.raw('clock_timestamp()') })
  await on.knex('service_outages').delete()
}

/** The recorded outages that are longer than a pause of a busy machine. */
const longOutages = () => on.knex('service_outages').whereRaw(`ended_at - began_at > interval '4 minutes'`)

/** Cuts both nodes off, sets the time forward, and lets them come back. */
async function away(seconds: number): Promise<void> {
  await proxy.cut()
  expect((await refresh('kwr_anything')).status).toBeGreaterThan(399)
  await redeemedEarlier(seconds)
  await on.knex('service_heartbeat').update(earlier('at', seconds))
  await proxy.heal()
}

test('a public client that retries after an outage gets the same tokens, at the first retry and at later ones', async () => {
  await calm()
  const { token, lost } = await lostAnswer()
  await away(300)
  // Also before any node has written that it is back.
  await until(async () => (await refresh(token)).status !== 503)
  expect((await served(() => refresh(token, 1))).body).toEqual(lost)
  await until(async () => (await longOutages()).length > 0)
  expect(await longOutages()).toHaveLength(1)
  await redeemedEarlier(60)
  await on.knex('service_outages').update({ ...earlier('began_at', 60), ...earlier('ended_at', 60) })
  expect((await refresh(token)).body).toEqual(lost)
  expect((await refresh(lost.refresh_token, 1)).status).toBe(200)
})

test('without an outage, a public client that reuses a refresh token after the grace period loses the tokens of the grant', async () => {
  await calm()
  const { token, lost } = await lostAnswer()
  await redeemedEarlier(31)
  await calm()
  expect((await refresh(token, 1)).body.error).toBe('invalid_grant')
  expect(await activeAmong(behind, [lost.access_token], api)).toEqual([])
})

test('an outage extends the grace period to ten minutes at most', async () => {
  await calm()
  const { token } = await lostAnswer()
  await away(601)
  await until(async () => (await refresh(token)).body.error === 'invalid_grant')
})
