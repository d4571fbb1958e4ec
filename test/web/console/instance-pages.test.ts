/** What an operator sets for everybody, and what everybody then sees. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Keywright, startKeywright } from '../../support/keywright.ts'
import { formAt, type Operator, openOperator } from './console-forms.ts'
import { wordsOf } from './console-visits.ts'

const PATH = '/settings/instance'
const SWITCH = '/settings/instance/api'

let server: Keywright
let operator: Operator

beforeAll(async () => {
  server = await startKeywright()
  operator = await openOperator(server)
})
afterAll(() => server.stop())

const save = async (changes: Record<string, string | undefined>) =>
  await operator.send(await operator.visit(PATH), PATH, changes)

const settings = () => server.knex('instance_settings').first()

const PNG = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  'base64',
)

async function upload(bytes: Buffer, changes: Record<string, string> = {}) {
  const form = new FormData()
  for (const [name, value] of Object.entries({ ...formAt(await operator.visit(PATH), PATH), ...changes }))
    form.set(name, value)
  form.set('logo', new Blob([new Uint8Array(bytes)], { type: 'text/html' }), 'whatever.html')
  return await operator.visit(PATH, { method: 'POST', body: form, headers: { origin: server.url } })
}

describe('the settings of the instance', () => {
  it('name and colour are on the next page that anybody sees', async () => {
    const saved = await save({ name: 'Cloud School <b>', accent: '#0a7d4f' })
    expect(saved.url).toBe(`${server.url}${PATH}?notice=saved`)
    expect(saved.text).toContain('· Cloud School &lt;b&gt;</title>')
    const [brand] = /\/assets\/[^"]*\/brand\.css/.exec(saved.text)!
    expect(await (await fetch(server.url + brand)).text()).toContain('--kw-accent:#0a7d4f')
  })

  it('a logo is shown, taken for what its bytes are, and removed again', async () => {
    const shown = await upload(PNG)
    const [address] = /\/assets\/[^"]*\/logo/.exec(shown.text)!
    const logo = await fetch(server.url + address)
    expect(logo.headers.get('content-type')).toBe('image/png')
    expect(Buffer.from(await logo.arrayBuffer()).equals(PNG)).toBe(true)
    expect(wordsOf(shown)).toContain('Current logo')

    expect((await save({ removeLogo: 'on' })).text).not.toContain('/logo"')
    expect((await settings()).logo).toBeNull()
  })

  it('a logo that is none is refused at its field, and nothing else that was typed is lost', async () => {
    const page = await upload(Buffer.from('<html><script>alert(1)</script>'), { name: 'Typed meanwhile' })
    expect(page.status).toBe(400)
    expect(wordsOf(page)).toContain('Logo : A logo is a PNG, JPEG, WebP or SVG image.')
    expect(formAt(page, PATH).name).toBe('Typed meanwhile')
    expect((await upload(Buffer.concat([PNG, Buffer.alloc(256 * 1024)]))).status).toBe(400)
    expect((await upload(Buffer.alloc(400 * 1024))).status).toBe(413)
  })

  it('defaults are kept, and emptied fields leave it to the API', async () => {
    await save({
      defaultAccessTokenTtl: '10',
      defaultRefreshTokenTtl: '90',
      defaultConsent: 'skip_own_account',
      defaultRateLimit: '600',
    })
    expect(await settings()).toMatchObject({
      default_access_token_ttl: 36_000,
      default_refresh_token_ttl: 7_776_000,
      default_consent: 'skip_own_account',
      default_rate_limit_count: 600,
      default_rate_limit_period: 60,
    })
    await save({ defaultAccessTokenTtl: '', defaultRefreshTokenTtl: '', defaultRateLimit: '' })
    expect(await settings()).toMatchObject({
      default_access_token_ttl: null,
      default_refresh_token_ttl: null,
      default_rate_limit_count: null,
    })
  })

  it.each([
    ['no name', { name: ' ' }, 'Name :'],
    ['a name of 10,000 characters', { name: 'x'.repeat(10_000) }, 'Name :'],
    ['a name with a bell', { name: 'ding\x07' }, 'Name :'],
    ['a colour that is none', { accent: 'red' }, 'Accent colour :'],
    [
      'a lifetime out of range',
      { defaultAccessTokenTtl: '31', 'defaultAccessTokenTtl.unit': 'days' },
      'Access token lifetime :',
    ],
    [
      'a refresh token for ever',
      { defaultRefreshTokenTtl: '9999', 'defaultRefreshTokenTtl.unit': 'days' },
      'Refresh token lifetime',
    ],
    ['a choice that there is not', { defaultConsent: 'skip' }, 'Choose an option'],
    ['half a request', { defaultRateLimit: '0.5' }, 'Rate limit :'],
  ])('refuses %s', async (_, changes, words) => {
    const before = await settings()
    const page = await save(changes)
    expect(page.status).toBe(400)
    expect(wordsOf(page)).toContain(words)
    expect(await settings()).toEqual(before)
  })

  it('refuses a NUL', async () => {
    expect((await save({ name: 'a\0b' })).status).toBe(400)
  })

  it('shows both versions to the second of two who edit at once', async () => {
    const [one, other] = [await operator.visit(PATH), await operator.visit(PATH)]
    await operator.send(one, PATH, { name: 'The first' })
    const stale = await operator.send(other, PATH, { name: 'The second' })
    expect(stale.status).toBe(412)
    expect(wordsOf(stale)).toMatch(/Name\s+The first\s+The second/)
    expect((await settings()).name).toBe('The first')
    await operator.send(stale, PATH)
    expect((await settings()).name).toBe('The second')
  })
})

describe('the switch of the whole API', () => {
  it('says whom it concerns, ends every token at once, and brings none back', async () => {
    const client = await server.make.client()
    const { firstStart, introspect, machineToken } = server
    const { body } = await machineToken(client)
    const isActive = async () => (await introspect(body.access_token, firstStart.api)).body.active
    expect(await isActive()).toBe(true)

    const asked = await operator.visit(SWITCH)
    expect(wordsOf(asked)).toMatch(
      /Applications\s+2 active applications\s+Key pairs\s+1 key pair\s+Tokens\s+1 active token /,
    )
    const off = await operator.send(asked, SWITCH)
    expect(wordsOf(off)).toContain('API disabled.')
    expect(await isActive()).toBe(false)
    expect((await machineToken(client)).status).toBe(401)

    await operator.send(await operator.visit(SWITCH), SWITCH)
    expect((await machineToken(client)).status).toBe(200)
    expect(await isActive()).toBe(false)
  })

  it('pressed twice stays where it was put, and a form that says nothing does nothing', async () => {
    const asked = await operator.visit(SWITCH)
    for (let n = 0; n < 2; n++) await operator.send(asked, SWITCH)
    expect((await settings()).api_enabled).toBe(false)
    expect((await operator.send(await operator.visit(SWITCH), SWITCH, { to: 'sideways' })).status).toBe(400)
    await operator.send(await operator.visit(SWITCH), SWITCH)
    expect((await settings()).api_enabled).toBe(true)
  })
})
