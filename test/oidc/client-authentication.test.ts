/** Client authentication (RFC 6749, sections 2.3 and 3.2): every endpoint accepts and refuses the same requests. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Keywright, startKeywright } from '../support/keywright.ts'
import type { Answer, Credentials } from '../support/requests.ts'
import { type Application, CALLBACK, createApplication, expectNoFieldErrors } from './application-fixtures.ts'

const DEVICE_GRANT = 'urn:ietf:params:oauth:grant-type:device_code'
const GRANTS = { grants: ['authorization_code', 'refresh_token', DEVICE_GRANT] }

let server: Keywright
let api: Credentials
let confidential: Application
let spa: Application

beforeAll(async () => {
  server = await startKeywright()
  api = await server.make.api()
  confidential = await createApplication(server, GRANTS)
  spa = await createApplication(server, { ...GRANTS, isPublic: true })
})

afterAll(async () => {
  expectNoFieldErrors(server)
  await server.stop()
})

type Pairs = [string, string][]

/** What a request adds to identify its client; undefined leaves the header out. */
interface Identification {
  readonly authorization?: string
  readonly form?: Pairs
}

interface Endpoint {
  readonly path: string
  /** What the request holds beside its client. */
  readonly form: Pairs
  /** The answer to an authenticated client: status and error. */
  readonly passes: [number, string | undefined]
  /** Whether a public client may call it. */
  readonly isOpen: boolean
  /** Where only an API's own client is answered. */
  readonly isForApis?: boolean
  readonly method?: 'GET'
}

const REQUEST: Pairs = [
  ['response_type', 'code'],
  ['redirect_uri', CALLBACK],
  ['code_challenge', 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM'],
  ['code_challenge_method', 'S256'],
]

const ENDPOINTS: Endpoint[] = [
  {
    path: '/oauth2/token',
    form: [
      ['grant_type', 'refresh_token'],
      ['refresh_token', 'kwr_unknown'],
    ],
    passes: [400, 'invalid_grant'],
    isOpen: true,
  },
  { path: '/oauth2/introspect', form: [['token', 'x']], passes: [200, undefined], isOpen: false },
  { path: '/oauth2/revoke', form: [['token', 'x']], passes: [200, undefined], isOpen: true },
  { path: '/oauth2/par', form: REQUEST, passes: [201, undefined], isOpen: true },
  { path: '/oauth2/device', form: [['scope', 'all']], passes: [200, undefined], isOpen: true },
  { path: '/oauth2/status/feed', form: [], passes: [200, undefined], isOpen: false, isForApis: true, method: 'GET' },
]

const encode = (text: string) => Buffer.from(text).toString('base64')
const basic = (text: string) => `Basic ${encode(text)}`

const INVALID_CLIENT = [401, 'invalid_client'] as const
const INVALID_REQUEST = [400, 'invalid_request'] as const

type Outcome = 'passes' | 'passes where public clients may call' | readonly [number, string]

/** What identifies the client, made of the id and the secret of a confidential client, and of the id of a public one. */
type Case = [title: string, Outcome, (id: string, secret: string, publicId: string) => Identification]

const CASES: Case[] = [
  ['Basic', 'passes', (id, secret) => ({ authorization: basic(`${id}:${secret}`) })],
  ['basic in lower case', 'passes', (id, secret) => ({ authorization: `basic ${encode(`${id}:${secret}`)}` })],
  [
    'Basic with its halves form-encoded',
    'passes',
    (id, secret) => ({ authorization: basic(`${id}:${secret.replaceAll('_', '%5F')}`) }),
  ],
  ['Basic with a wrong secret', INVALID_CLIENT, (id) => ({ authorization: basic(`${id}:wrong`) })],
  ['Basic of an unknown client', INVALID_CLIENT, (_, secret) => ({ authorization: basic(`nobody:${secret}`) })],
  ['Basic without a colon', INVALID_CLIENT, (id) => ({ authorization: basic(id) })],
  ['Basic that is not base64', INVALID_CLIENT, () => ({ authorization: 'Basic ***' })],
  ['Basic with malformed percent-encoding', INVALID_CLIENT, (id) => ({ authorization: basic(`${id}:%zz`) })],
  ['another scheme', INVALID_CLIENT, () => ({ authorization: 'Digest username="x"' })],
  ['nothing', INVALID_CLIENT, () => ({})],
  ['an empty secret in Basic, of a confidential client', INVALID_CLIENT, (id) => ({ authorization: basic(`${id}:`) })],
  [
    'an empty secret in Basic, of a public client',
    'passes where public clients may call',
    (_id, _secret, publicId) => ({ authorization: basic(`${publicId}:`) }),
  ],
]

/** What an endpoint without a form cannot be asked. */
const FORM_CASES: Case[] = [
  [
    'client_id and client_secret in the form',
    'passes',
    (id, secret) => ({
      form: [
        ['client_id', id],
        ['client_secret', secret],
      ],
    }),
  ],
  [
    'Basic beside an empty client_id',
    'passes',
    (id, secret) => ({ authorization: basic(`${id}:${secret}`), form: [['client_id', '']] }),
  ],
  [
    'Basic beside an empty client_secret',
    'passes',
    (id, secret) => ({ authorization: basic(`${id}:${secret}`), form: [['client_secret', '']] }),
  ],
  [
    'Basic beside an empty client_assertion',
    'passes',
    (id, secret) => ({ authorization: basic(`${id}:${secret}`), form: [['client_assertion', '']] }),
  ],
  [
    'Basic beside the same client_id',
    'passes',
    (id, secret) => ({ authorization: basic(`${id}:${secret}`), form: [['client_id', id]] }),
  ],
  [
    'Basic beside another client_id',
    INVALID_REQUEST,
    (id, secret, other) => ({ authorization: basic(`${id}:${secret}`), form: [['client_id', other]] }),
  ],
  [
    'Basic beside a client_secret',
    INVALID_REQUEST,
    (id, secret) => ({ authorization: basic(`${id}:${secret}`), form: [['client_secret', secret]] }),
  ],
  [
    'client_id twice',
    INVALID_REQUEST,
    (id, secret) => ({
      form: [
        ['client_id', id],
        ['client_id', id],
        ['client_secret', secret],
      ],
    }),
  ],
  [
    'client_secret twice',
    INVALID_REQUEST,
    (id, secret) => ({
      form: [
        ['client_id', id],
        ['client_secret', secret],
        ['client_secret', secret],
      ],
    }),
  ],
  ['an assertion', INVALID_CLIENT, () => ({ form: [['client_assertion', 'a.b.c']] })],
  ['client_id of a confidential client alone', INVALID_CLIENT, (id) => ({ form: [['client_id', id]] })],
  [
    'client_id beside an empty client_secret, of a confidential client',
    INVALID_CLIENT,
    (id) => ({
      form: [
        ['client_id', id],
        ['client_secret', ''],
      ],
    }),
  ],
  [
    'client_id of a public client beside an empty client_secret',
    'passes where public clients may call',
    (_id, _secret, publicId) => ({
      form: [
        ['client_id', publicId],
        ['client_secret', ''],
      ],
    }),
  ],
  [
    'an empty secret in Basic beside the same client_id, of a public client',
    'passes where public clients may call',
    (_id, _secret, publicId) => ({ authorization: basic(`${publicId}:`), form: [['client_id', publicId]] }),
  ],
  [
    'client_id of a public client beside a client_secret',
    INVALID_CLIENT,
    (_id, secret, publicId) => ({
      form: [
        ['client_id', publicId],
        ['client_secret', secret],
      ],
    }),
  ],
  ['an empty client_id alone', INVALID_CLIENT, () => ({ form: [['client_id', '']] })],
]

/** The status and the error of an answer. A stream is not read to its end, which never comes. */
async function ask(endpoint: Endpoint, { authorization, form = [] }: Identification): Promise<Partial<Answer>> {
  const { path, method } = endpoint
  const abort = new AbortController()
  const response = await fetch(server.url + path, {
    method: method ?? 'POST',
    signal: abort.signal,
    ...(authorization && { headers: { authorization } }),
    ...(!method && { body: new URLSearchParams([...endpoint.form, ...form]) }),
  })
  const isJson = response.headers.get('content-type')?.startsWith('application/json')
  const body = isJson ? await response.json() : undefined
  abort.abort()
  return { status: response.status, headers: response.headers, body }
}

function expectedOf(outcome: Outcome, { passes, isOpen }: Endpoint): readonly [number, string | undefined] {
  if (outcome === 'passes') return passes
  if (outcome === 'passes where public clients may call') return isOpen ? passes : INVALID_CLIENT
  return outcome
}

describe.each(ENDPOINTS)('$path', (endpoint) => {
  const cases = endpoint.method === 'GET' ? CASES : [...CASES, ...FORM_CASES]

  test.each(cases)('%s', async (_title, outcome, identify) => {
    const { clientId, clientSecret } = endpoint.isForApis ? api : confidential
    const { status, headers, body } = await ask(endpoint, identify(clientId, clientSecret!, spa.clientId))
    expect([status, body?.error]).toEqual(expectedOf(outcome, endpoint))
    if (status === 401) expect(headers!.get('www-authenticate')).toMatch(/^Basic realm="/)
  })
})

test('an empty parameter counts as omitted (RFC 6749, section 3.2)', async () => {
  const machine = await server.make.client({ grants: ['client_credentials'] })
  const form = { grant_type: 'client_credentials', scope: '', resource: '', audience: '' }
  expect((await server.token(form, { basic: machine })).status).toBe(200)
})

test('a client that reads its credentials from the query may leave them empty in the form', async () => {
  const machine = await server.make.client({ grants: ['client_credentials'], queryCredentials: true })
  const query = { client_id: machine.clientId, client_secret: machine.clientSecret! }
  const form = { grant_type: 'client_credentials', client_id: '', client_secret: '' }
  expect((await server.token(form, { query })).status).toBe(200)
})
