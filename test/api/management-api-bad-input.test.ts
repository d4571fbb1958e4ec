/** Invalid requests get a 4xx response with problem details that name the invalid field or parameter. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { API_ROUTES } from '../../src/api/api-routes.ts'
import { type Keywright, startKeywright } from '../support/keywright.ts'
import { managementToken, managingApplication, rawManagement } from '../support/management.ts'
import { type Answer, metricOf, send } from '../support/requests.ts'

let server: Keywright
let api: ReturnType<typeof rawManagement>

beforeAll(async () => {
  server = await startKeywright()
  const operator = await managingApplication(server, null)
  api = rawManagement(server.url, await managementToken(server, operator))
})

afterAll(() => server?.stop())

function expectProblem(response: Answer, status: number, code: string, context = ''): void {
  expect(response, context).toMatchObject({ status, body: { type: `urn:keywright:error:${code}`, status } })
  expect(response.headers.get('content-type')).toMatch(/^application\/problem\+json/)
  expect(response.headers.get('cache-control')).toBe('no-store')
  expect(response.body.instance).toBe(response.headers.get('x-request-id'))
  for (const member of ['title', 'detail']) expect(response.body[member]).toEqual(expect.any(String))
}

test('an unknown path is 404 with problem details, not an HTML page', async () => {
  for (const path of ['', '/', '/nothing', '/Applications', '/users/x/y/z/w', '/%E0%A4%A', '/..%2f..%2fetc']) {
    const response = await api.send('GET', path, { headers: { accept: 'text/html' } })
    expectProblem(response, 404, 'not_found', path)
  }
})

test('an unsupported method is 405, and Allow lists the supported methods', async () => {
  const response = await api.send('DELETE', '/applications')
  expectProblem(response, 405, 'method_not_allowed')
  expect(response.headers.get('allow')?.split(', ').sort()).toEqual(['GET', 'HEAD', 'POST'])
  const options = await api.send('OPTIONS', '/applications')
  expect([options.status, options.headers.get('access-control-allow-origin')]).toEqual([204, null])
})

test('schema errors point to their fields, unknown fields included', async () => {
  const response = await api.json('POST', '/applications', { name: 3, grants: ['x', 4], surprise: 1, is_public: 'yes' })
  expectProblem(response, 400, 'invalid_input')
  const pointers = response.body.errors.map(({ pointer }: { pointer: string }) => pointer).sort()
  expect(pointers).toEqual(['#/grants/1', '#/is_public', '#/name', '#/surprise'])
})

test('validation errors of the defaults of new applications point to their members', async () => {
  const pointersOf = async (body: object) => {
    const response = await api.json('PATCH', '/instance', body, { 'if-match': '*' })
    expectProblem(response, 400, 'invalid_input')
    return response.body.errors.map(({ pointer }: { pointer: string }) => pointer)
  }
  const defaults = { access_token_ttl: 59, rate_limit: '0/s' }
  expect(await pointersOf({ defaults })).toEqual(['#/defaults/rate_limit'])
  const both = { accent: 'blue', defaults: { access_token_ttl: 59 } }
  expect(await pointersOf(both)).toEqual(['#/accent', '#/defaults/access_token_ttl'])
})

test('validation errors of a feature point to the fields of the JSON body', async () => {
  const account_id = server.firstStart.accountId
  const body = {
    name: ' ',
    grants: ['authorization_code'],
    redirect_uris: ['javascript:alert(1)'],
    access_token_ttl: 1,
    account_id,
  }
  const response = await api.json('POST', '/applications', body)
  expectProblem(response, 400, 'invalid_input')
  const pointers = response.body.errors.map(({ pointer }: { pointer: string }) => pointer)
  for (const field of ['name', 'redirect_uris', 'access_token_ttl']) expect(pointers).toContain(`#/${field}`)
})

test('query errors name their parameters', async () => {
  for (const query of [
    'limit=0',
    'limit=201',
    'limit=x',
    'limit=1&limit=2',
    '__proto__=1',
    'colour=red',
    'status=gone',
    'account_id=1',
  ]) {
    const response = await api.send('GET', `/applications?${query}`)
    expectProblem(response, 400, 'invalid_input', query)
    expect(response.body.errors[0].parameter, query).toBe(query.split('=')[0])
  }
  const cursor = await api.send('GET', '/applications?after=nonsense')
  expectProblem(cursor, 400, 'invalid_input')
  expect(cursor.body.errors).toEqual([{ parameter: 'after', detail: expect.any(String) }])
})

test('a body that is not JSON, or has another content type, is rejected', async () => {
  for (const text of ['{', '[1,', 'name=x', '"\ud800', `${'['.repeat(60_000)}`]) {
    expectProblem(await api.json('POST', '/accounts', text), 400, 'invalid_input', text.slice(0, 9))
  }
  const deep = `{"name":${'['.repeat(50_000)}${']'.repeat(50_000)}}`
  for (const text of [deep, '{"__proto__":{"name":"x"}}', '{"name":1e999}']) {
    expectProblem(await api.json('POST', '/accounts', text), 400, 'invalid_input', text.slice(0, 20))
  }
  for (const value of [null, [], 'x', 3, true]) {
    expectProblem(await api.json('POST', '/accounts', value), 400, 'invalid_input')
  }
  for (const type of ['text/plain', 'application/x-www-form-urlencoded', '']) {
    const response = await api.json('POST', '/accounts', { name: 'x' }, { 'content-type': type })
    expectProblem(response, 415, 'unsupported_media_type', type)
  }
})

test('a body that exceeds the limit is 413', async () => {
  expectProblem(await api.json('POST', '/accounts', { name: 'x'.repeat(500_000) }), 413, 'too_large')
})

test('text that PostgreSQL cannot store is rejected before the operation runs', async () => {
  for (const text of [
    '{"name":"a\\u0000b"}',
    '{"na\\u0000me":1}',
    '{"name":["\\u0000"]}',
    '{"name":"\\ud800"}',
    '{"\\udc00":1}',
  ]) {
    const response = await api.json('POST', '/accounts', text)
    expectProblem(response, 400, 'invalid_input', text)
    expect(response.body.detail).toBe('text must not contain a NUL character or an unpaired surrogate')
  }
  for (const path of ['/applications/a%00b', '/applications?search=%00', '/applications?after=%00', '/users?%00=1']) {
    expectProblem(await api.send('GET', path), 400, 'invalid_input', path)
  }
})

test('a name of 10,000 characters is rejected at its field', async () => {
  const long = 'x'.repeat(10_000)
  for (const [path, body, field] of [
    ['/accounts', { name: long }, 'name'],
    ['/users', { email: `${long}@example.com`, role: 'operator' }, 'email'],
    ['/apis', { identifier: `https://${'x'.repeat(1900)}`, scopes: [long] }, 'scopes'],
  ] as const) {
    const response = await api.json('POST', path, body)
    expectProblem(response, 400, 'invalid_input', path)
    expect(
      response.body.errors.some(({ pointer }: { pointer: string }) => pointer.startsWith(`#/${field}`)),
      path,
    ).toBe(true)
  }
})

/** Values for path parameters that identify no resource. */
const UNKNOWN_IDS = [
  '1',
  "'",
  'a'.repeat(5000),
  '00000000-0000-0000-0000-000000000000',
  '%F0%9F%92%A9',
  '..',
  '%2e%2e',
  '-1e9',
]

test('every route rejects an id that is malformed or unknown', async () => {
  // Every ID of another system is one that may be new.
  const byOwnIds = API_ROUTES.filter(({ path }) => path.includes('{') && !path.includes('{external_id}'))
  for (const route of byOwnIds) {
    for (const one of UNKNOWN_IDS) {
      const path = route.path.replace(/\{\w+\}/g, one)
      // With dots, a path can be that of a route without an id.
      const named = new URL(path, 'http://localhost').pathname
      if (API_ROUTES.some(({ path: other }) => other === named)) continue
      const example = route.body?.meta()?.examples as unknown[] | undefined
      const headers = { 'if-match': '*' }
      const response = await (example
        ? api.json(route.method.toUpperCase(), path, example[0], headers)
        : api.send(route.method.toUpperCase(), path, { headers }))
      expect([400, 403, 404, 405, 409], `${route.method} ${path} ${response.text}`).toContain(response.status)
    }
  }
})

test('a change requires the current revision in If-Match', async () => {
  const { body } = await api.json('POST', '/accounts', { name: 'Changing' })
  const change = (ifMatch?: string) =>
    api.json('PATCH', `/accounts/${body.id}`, { name: 'Changed' }, ifMatch === undefined ? {} : { 'if-match': ifMatch })
  expectProblem(await change(), 428, 'precondition_required')
  for (const tag of ['"999"', 'W/"1"', '"x"', 'x', '"0"', `"${'9'.repeat(40)}"`]) {
    expectProblem(await change(tag), 412, 'stale', tag)
  }
  expectProblem(await change('"1", "2"'), 400, 'invalid_input')
  const read = await api.send('GET', `/accounts/${body.id}`)
  expect((await change(read.headers.get('etag')!)).status).toBe(200)
  expect((await change('*')).status).toBe(200)
})

test('a conditional read returns the current resource, because the ETag does not cover its use', async () => {
  const tags = [(await api.send('GET', '/instance')).headers.get('etag')!, '*']
  for (const tag of tags) {
    const again = await api.send('GET', '/instance', { headers: { 'if-none-match': tag } })
    expect([again.status, again.body.name, again.headers.get('etag')]).toEqual([200, 'Keywright', tags[0]])
  }
})

test('a list continues after its page, by the cursor and by the Link header', async () => {
  for (const name of ['One', 'Two', 'Three']) await api.json('POST', '/accounts', { name })
  const names: string[] = []
  let path: string | undefined = '/accounts?limit=2'
  while (path) {
    const { body, headers }: Answer = await api.send('GET', path)
    names.push(...body.items.map(({ name }: { name: string }) => name))
    const link: string | undefined = /<\/api\/v1([^>]+)>; rel="next"/.exec(headers.get('link') ?? '')?.[1]
    expect(body.next === null).toBe(link === undefined)
    path = link
  }
  expect(new Set(names).size).toBe(names.length)
  for (const name of ['One', 'Two', 'Three']) expect(names).toContain(name)
})

test('no invalid request causes a 5xx response, and all count under one endpoint label', async () => {
  expect(server.logLines().filter(({ status }) => Number(status) >= 500)).toEqual([])
  expect(
    await metricOf(server.url, 'keywright_requests_refused_total', 'endpoint="/api/v1",error="not_found"'),
  ).toBeGreaterThan(0)
  const { text } = await send(`${server.url}/metrics`)
  expect(text).not.toMatch(/endpoint="\/api\/v1\//)
})
