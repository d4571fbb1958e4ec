/** Signing keys, as an operator sees and rotates them. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Keywright, startKeywright } from '../../support/keywright.ts'
import { openAdmin } from './admin-session.ts'
import { type Operator, openOperator } from './console-forms.ts'
import { wordsOf } from './console-visits.ts'

let server: Keywright
let operator: Operator

beforeAll(async () => {
  server = await startKeywright()
  operator = await openOperator(server)
})
afterAll(() => server.stop())

const ROTATE = '/signing-keys/rotate'

const keys = (alg: string) => server.knex('signing_keys').where({ alg }).orderByRaw('signs_from NULLS LAST')

describe('signing keys', () => {
  it('are shown by algorithm, each with its id to copy and what it does', async () => {
    await server.make.api({ signingAlg: 'EdDSA' })
    const page = await operator.visit('/signing-keys')
    for (const { kid } of [...(await keys('ES256')), ...(await keys('EdDSA'))])
      expect(page.text).toContain(`data-copy="${kid}"`)
    expect(wordsOf(page)).toMatch(/EdDSA .*Current .*Next .*ES256 .*Current/)
    expect(page.text).toContain(`${server.issuer}/oauth2/jwks`)
  })

  it('rotated, the next one signs, and the former one is published for a month; its tokens stay good', async () => {
    const [current, next] = await keys('ES256')
    const { body } = await server.machineToken(await server.make.client())
    const asked = await operator.visit(ROTATE)
    expect(wordsOf(asked)).toContain(`ES256: ${current.kid} → ${next.kid}`)
    const done = await operator.send(asked, ROTATE)
    expect(wordsOf(done)).toContain('Signing keys rotated')
    expect(wordsOf(done)).toMatch(new RegExp(`${next.kid} Current`))
    expect(wordsOf(done)).toMatch(new RegExp(`${current.kid} Previous .*(next month|in 4 weeks)`))
    expect((await server.introspect(body.access_token, server.firstStart.api)).body.active).toBe(true)
    expect(await server.knex('audit_log').where({ action: 'signing_key.rotated', target_id: next.kid })).toMatchObject([
      { actor_id: operator.person.id },
    ])
  })

  it('are for operators, and rotate for nobody who only looks', async () => {
    const admin = await openAdmin(server)
    for (const path of ['/signing-keys', ROTATE]) expect((await admin.visit(path)).status).toBe(403)
    const before = await keys('ES256')
    const page = await operator.visit(ROTATE)
    const body = new URLSearchParams({})
    await operator.visit(ROTATE, { method: 'POST', body, headers: { origin: server.url } })
    expect(page.status).toBe(200)
    expect(await keys('ES256')).toEqual(before)
  })
})
