import { afterAll, beforeAll, expect, test } from 'vitest'
import { parseClientCertificates } from '../../src/clients/client-certificates.ts'
import { rotateSecret } from '../../src/management/client-secret-rotation.ts'
import { asNginx, createAuthority, createCertificate, type TestCertificate } from '../support/client-certificates.ts'
import { ACTOR } from '../support/factory.ts'
import { together } from '../support/load.ts'
import { type Nodes, startNodes } from '../support/nodes.ts'

const HEADER = 'x-ssl-client-cert'

let on: Nodes
let authority: TestCertificate
let api: { identifier: string }

beforeAll(async () => {
  authority = createAuthority()
  on = await startNodes(2, {
    env: {
      CLIENT_CERTIFICATE_HEADER: HEADER,
      CLIENT_CERTIFICATE_PROXIES: '127.0.0.1,::1',
      CLIENT_CERTIFICATE_AUTHORITIES: authority.cert,
    },
  })
  api = await on.make.api()
})
afterAll(() => on?.stop())

const tokenBy = (clientId: string, certificate: TestCertificate, n: number) =>
  on.nodes[n % 2]!.token(
    { grant_type: 'client_credentials', client_id: clientId },
    { headers: { [HEADER]: asNginx(certificate) } },
  )

const issued = () => createCertificate({ issuer: authority })

test.each([
  [
    'certificate',
    'self_signed_tls_client_auth',
    createCertificate,
    ({ cert }: TestCertificate) => ({ certificates: cert }),
  ],
  ['name of certificates', 'tls_client_auth', issued, () => ({ tlsClientAuthSubjectDn: 'CN=client' })],
] as const)(
  'no token by a replaced %s is valid, however many are requested meanwhile',
  async (_, authMethod, make, inputOf) => {
    const certificate = make()
    const certificates = parseClientCertificates(authMethod, inputOf(certificate))
    const { clientId } = await on.make.register({ settings: { authMethod }, apis: [api.identifier], certificates })
    for (const n of [0, 1]) expect((await tokenBy(clientId, certificate, n)).status).toBe(200)
    const next = parseClientCertificates(
      authMethod,
      authMethod === 'tls_client_auth' ? { tlsClientAuthSubjectDn: 'CN=next' } : inputOf(createCertificate()),
    )
    const requests = together(40, (n) => tokenBy(clientId, certificate, n))
    await rotateSecret(on.knex, clientId, 0, ACTOR, { certificates: next })
    for (const { status } of await requests) expect([200, 401]).toContain(status)
    const active = await on
      .knex('active_access_tokens as t')
      .join('clients as c', 'c.id', 't.client_key')
      .where({ 'c.client_id': clientId })
    expect(active).toEqual([])
    for (const n of [0, 1]) expect((await tokenBy(clientId, certificate, n)).status).toBe(401)
  },
)
