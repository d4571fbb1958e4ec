import { randomBytes } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { documentConfiguration } from '../../src/config/configuration-docs.ts'
import { loadConfig } from '../../src/config/load-config.ts'
import { SETTINGS } from '../../src/config/settings.ts'

const KEY = randomBytes(32).toString('base64')
const DATABASE = { DATABASE_URL: 'postgresql://localhost/keywright', ENCRYPTION_KEY: KEY }

let directory: string

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'keywright-config-'))
})

afterAll(() => rmSync(directory, { recursive: true }))

function secretFile(content: string): string {
  const path = join(directory, randomBytes(8).toString('hex'))
  writeFileSync(path, content)
  return path
}

function fieldErrorsOf(env: Record<string, string>): string {
  try {
    loadConfig(env)
  } catch (error) {
    expect(error).toMatchObject({ name: 'KeywrightError', code: 'misconfigured' })
    return (error as Error).message
  }
  return ''
}

test('nothing set is a configuration: an embedded database in ./data, on 127.0.0.1:3000', () => {
  const config = loadConfig({})
  expect(config).toMatchObject({ dataDir: './data', host: '127.0.0.1', port: 3000, workers: 1, encryptionKeys: [] })
  expect(config.databaseUrl).toBeUndefined()
  expect(config.issuer).toBeUndefined()
})

test('an empty variable counts as unset, whichever it is', () => {
  const empty = Object.fromEntries(
    Object.keys(SETTINGS).flatMap((name) => [
      [name, ''],
      [`${name}_FILE`, ''],
    ]),
  )
  expect(loadConfig(empty)).toEqual(loadConfig({}))
})

test('the message reports all errors at once, one a line, each with the name of its variable', () => {
  const wrong = {
    ...{ DATABASE_URL: 'mysql://x', PORT: '70000', ISSUER: 'https://example.com/path', ENCRYPTION_KEY: 'short' },
    ...{ WORKERS: '0', LOG_LEVEL: 'loud', TRUST_PROXY: 'yes', DATABASE_POOL_MAX: '1', SHUTDOWN_TIMEOUT: 'soon' },
    ...{ METRICS_TOKEN_FILE: '/nowhere/at/all', SIGNING_KEY_MAX_AGE: '-1', CLIENT_CACHE_SIZE: '1.5' },
  }
  const [first, ...lines] = fieldErrorsOf(wrong).split('\n')
  expect(first).toBe('the configuration has errors:')
  const named = lines.map((line) => line.trim().split(/[:_ ]/)[0])
  for (const name of Object.keys(wrong)) {
    expect(
      lines.filter((line) => line.trim().startsWith(name)),
      name,
    ).toHaveLength(1)
  }
  expect(named.length).toBe(Object.keys(wrong).length)
})

test('a error never repeats the value of a secret', () => {
  const fieldErrors = fieldErrorsOf({ DATABASE_URL: 'mysql://u:hush-hush@x', ENCRYPTION_KEY: 'hush-hush' })
  expect(fieldErrors).toContain('DATABASE_URL')
  expect(fieldErrors).not.toContain('hush')
})

test('a value comes from the file that NAME_FILE names, without the newline at its end', () => {
  const env = {
    DATABASE_URL_FILE: secretFile('postgresql://localhost/fromfile\n'),
    ENCRYPTION_KEY_FILE: secretFile(`${KEY}\r\n`),
    PORT_FILE: secretFile('4000'),
  }
  const config = loadConfig(env)
  expect(config).toMatchObject({ databaseUrl: 'postgresql://localhost/fromfile', port: 4000 })
  expect(config.encryptionKeys).toEqual([Buffer.from(KEY, 'base64')])
})

test('a variable and its file at once are a error, and so is a file that cannot be read; an empty one is unset', () => {
  const file = secretFile('4000')
  expect(fieldErrorsOf({ PORT: '3000', PORT_FILE: file })).toContain('PORT and PORT_FILE are both set')
  expect(fieldErrorsOf({ PORT_FILE: `${file}-not-there` })).toMatch(/PORT_FILE: cannot read .*ENOENT/)
  expect(loadConfig({ PORT: '', PORT_FILE: file }).port).toBe(4000)
  expect(loadConfig({ PORT_FILE: secretFile('\n') }).port).toBe(3000)
})

test('ENCRYPTION_KEY is demanded with DATABASE_URL, and says how to make one', () => {
  expect(fieldErrorsOf({ DATABASE_URL: DATABASE.DATABASE_URL })).toMatch(
    /ENCRYPTION_KEY: required.*openssl rand -base64 32/,
  )
  expect(fieldErrorsOf(DATABASE)).toBe('')
})

test('ENCRYPTION_KEY may be a list, the newest first; each key must be 32 bytes of well-formed base64', () => {
  const keys = [randomBytes(32), randomBytes(32)]
  const list = keys.map((key) => key.toString('base64')).join(' , ')
  expect(loadConfig({ ...DATABASE, ENCRYPTION_KEY: list }).encryptionKeys).toEqual(keys)
  expect(fieldErrorsOf({ ...DATABASE, ENCRYPTION_KEY: `${KEY},${KEY.slice(4)}` })).toContain('key 2')
  expect(fieldErrorsOf({ ...DATABASE, ENCRYPTION_KEY: `${KEY},` })).toContain('key 2')
  const mistyped = `${KEY.slice(0, 20)}!!${KEY.slice(20)}`
  expect(fieldErrorsOf({ ...DATABASE, ENCRYPTION_KEY: mistyped })).toContain('ENCRYPTION_KEY')
})

test('an issuer is an origin and nothing more', () => {
  for (const good of ['https://id.example.com', 'http://localhost:3000', 'https://[::1]:8443']) {
    expect(loadConfig({ ISSUER: good }).issuer).toBe(good)
  }
  const bad = ['example.com', 'https://a/', 'https://a/b', 'https://a?b', 'https://a#b', 'https://u:p@a', 'ftp://a']
  for (const issuer of bad) expect(fieldErrorsOf({ ISSUER: issuer }), issuer).toContain('ISSUER')
})

test('an issuer is written in its normal form: small letters, no default port, an international name in ASCII', () => {
  const forms = {
    'HTTPS://Auth.Example.COM': 'https://auth.example.com',
    'https://auth.example.com:443': 'https://auth.example.com',
    'http://localhost:80': 'http://localhost',
    'https://bücher.example': 'https://xn--bcher-kva.example',
    'https://[0:0:0:0:0:0:0:1]:8443': 'https://[::1]:8443',
  }
  for (const [given, normal] of Object.entries(forms)) expect(loadConfig({ ISSUER: given }).issuer).toBe(normal)
})

test('an issuer on another machine must be https, and one error alone is one sentence', () => {
  for (const issuer of ['http://auth.example.com', 'http://10.0.0.1:3000', 'http://localhost.example.com']) {
    expect(fieldErrorsOf({ ISSUER: issuer })).toMatch(/^ISSUER: must begin with https:[^\n]*$/)
  }
})

test('an IPv6 address in HOST may stand in brackets', () => {
  expect(loadConfig({ HOST: '[::1]' }).host).toBe('::1')
  expect(loadConfig({ HOST: '::' }).host).toBe('::')
})

test('OUTGOING_ALLOW is a list of hosts, host:port, addresses and networks; each wrong entry is reported', () => {
  const list = ' hooks.internal, hooks.internal:8443 ,10.0.0.0/8,::1,[::1]:80'
  const entries = ['hooks.internal', 'hooks.internal:8443', '10.0.0.0/8', '::1', '[::1]:80']
  expect(loadConfig({ OUTGOING_ALLOW: list }).outgoingAllow).toEqual(entries)
  expect(loadConfig({}).outgoingAllow).toEqual([])
  const fieldErrors = fieldErrorsOf({ OUTGOING_ALLOW: 'https://a/,10.0.0.0/33,good.example,' })
  for (const wrong of ['"https://a/"', '"10.0.0.0/33"', '""']) expect(fieldErrors).toContain(`OUTGOING_ALLOW: ${wrong}`)
  expect(fieldErrors).not.toContain('good.example')
})

test('a value out of range is refused, never clamped, and the bounds themselves are in', () => {
  const bounds = { PORT: [0, 65_535], WORKERS: [1, 256], SHUTDOWN_TIMEOUT: [1, 600], DATABASE_POOL_MAX: [4, 500] }
  for (const [name, [least, most]] of Object.entries(bounds) as [string, [number, number]][]) {
    for (const value of [least, most]) expect(fieldErrorsOf({ [name]: `${value}` })).toBe('')
    for (const value of [least - 1, most + 1, '', ' 5', '5 ', '0x5', '5e1', '٣'].filter((one) => one !== '')) {
      expect(fieldErrorsOf({ [name]: `${value}` }), `${name}=${value}`).toContain(name)
    }
  }
})

test('WORKERS=auto is one for each core', () => {
  expect(loadConfig({ WORKERS: 'auto' }).workers).toBe(availableParallelism())
})

test('docs/configuration.md is what the code says, and names every setting', () => {
  const path = new URL('../../docs/configuration.md', import.meta.url)
  expect(readFileSync(path, 'utf8')).toBe(documentConfiguration())
  for (const name of Object.keys(SETTINGS)) expect(documentConfiguration()).toContain(`| \`${name}\` |`)
})
