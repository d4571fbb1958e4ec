/** Signing keys, as an operator sees and rotates them. */
import { decodeProtectedHeader } from 'jose'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Keywright, startKeywright } from '../../support/keywright.ts'
import { until } from '../../support/load.ts'
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
    expect(wordsOf(done)).toMatch(new RegExp(`${current.kid} Previous .*in [0-9]+ days`))
    expect((await server.introspect(body.access_token, server.firstStart.api)).body.active).toBe(true)
    expect(await server.knex('audit_log').where({ action: 'signing_key.rotated', target_id: next.kid })).toMatchObject([
      { actor_id: operator.person.id },
    ])
  })

  it('are revoked after the page has stated the impact; their tokens are inactive, and the list shows them as revoked', async () => {
    const current = (await keys('ES256').whereNotNull('signs_from')).at(-1)
    const client = await server.make.client()
    let token = ''
    // The server reads within a second that the keys were rotated.
    await until(async () => {
      token = (await server.machineToken(client)).body.access_token
      return decodeProtectedHeader(token).kid === current.kid
    })
    const path = `/signing-keys/${current.kid}/revoke`
    const list = await operator.visit('/signing-keys')
    expect(list.text).toContain(`href="${path}"`)
    const asked = await operator.visit(path)
    expect(wordsOf(asked)).toMatch(/revoke \d+ active access tokens? immediately/)
    expect(wordsOf(asked)).toMatch(
      new RegExp(`${server.firstStart.api.identifier} \\d+ active tokens? none seen .*when the last one expires`),
    )
    const done = await operator.send(asked, path)
    expect(wordsOf(done)).toContain('Signing key revoked')
    expect(wordsOf(done)).toMatch(new RegExp(`${current.kid} Revoked`))
    expect((await server.introspect(token, server.firstStart.api)).body.active).toBe(false)
    const again = await operator.visit(path)
    expect([again.status, wordsOf(again)]).toEqual([409, expect.stringContaining('was revoked before')])
  })

  it('that sign next and were published less than a minute ago are a warning of the page that revokes the current key', async () => {
    await server.make.api({ signingAlg: 'PS256' })
    const [current, next] = await keys('PS256')
    const words = async () => wordsOf(await operator.visit(`/signing-keys/${current.kid}/revoke`))
    expect(await words()).toContain('let the next key sign from now on, and publish')
    const soon = { may_sign_from: server.knex.raw(`now() + interval '50 s'`) }
    await server.knex('signing_keys').where({ kid: next.kid }).update(soon)
    expect(await words()).toContain('published less than a minute ago')
    await server.knex('signing_keys').where({ kid: next.kid }).delete()
    expect(await words()).toContain('published less than a minute ago')
  })

  it('are for operators, and rotate for nobody who only looks', async () => {
    const admin = await openAdmin(server)
    const [{ kid }] = await keys('ES256')
    for (const path of ['/signing-keys', ROTATE, `/signing-keys/${kid}/revoke`])
      expect((await admin.visit(path)).status).toBe(403)
    const before = await keys('ES256')
    const page = await operator.visit(ROTATE)
    const body = new URLSearchParams({})
    await operator.visit(ROTATE, { method: 'POST', body, headers: { origin: server.url } })
    expect(page.status).toBe(200)
    expect(await keys('ES256')).toEqual(before)
  })
})
