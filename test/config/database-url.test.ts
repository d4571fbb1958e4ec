import { expect, test } from 'vitest'
import { parseDatabaseUrl, withTlsEnvironment } from '../../src/config/database-url.ts'

const parse = parseDatabaseUrl

test('a connection URI is read as libpq reads it', () => {
  expect(
    parse('postgresql://kw:p%40ss@db.example:6432/keywright?connect_timeout=3&options=-c%20search_path%3Dkw'),
  ).toEqual({
    hosts: [{ host: 'db.example', port: 6432 }],
    user: 'kw',
    password: 'p@ss',
    database: 'keywright',
    sslMode: 'prefer',
    options: '-c search_path=kw',
    connectTimeoutMs: 3000,
  })
  expect(parse('postgres:///app?host=/run/postgresql&port=5433&user=kw')).toMatchObject({
    hosts: [{ host: '/run/postgresql', port: 5433 }],
    user: 'kw',
    database: 'app',
  })
  expect(parse('postgresql://%2Frun%2Fpg/app').hosts).toEqual([{ host: '/run/pg' }])
  expect(parse('postgresql://kw@[2001:db8::7]:5432/app').hosts).toEqual([{ host: '2001:db8::7', port: 5432 }])
  // A raw # is no special character there.
  expect(parse('postgresql://kw:a#b@db/app').password).toBe('a#b')
})

test('several hosts are read from the authority and from parameters', () => {
  expect(parse('postgresql://kw@a:1,b,[::1]:3/app?target_session_attrs=read-write').hosts).toEqual([
    { host: 'a', port: 1 },
    { host: 'b' },
    { host: '::1', port: 3 },
  ])
  expect(parse('postgresql:///app?host=a,b&port=1,2').hosts).toEqual([
    { host: 'a', port: 1 },
    { host: 'b', port: 2 },
  ])
  expect(parse('postgresql:///app?host=a,b&port=5').hosts).toEqual([
    { host: 'a', port: 5 },
    { host: 'b', port: 5 },
  ])
})

test.each([
  ['mysql://db/app', /must begin with postgresql/],
  ['postgresql://a,b/app?target_session_attrs=standby', /Keywright always works on the primary/],
  ['postgresql://db/app?target_session_attrs=prefer-standby', /Keywright always works on the primary/],
  ['postgresql://db/app?sslmode=no-verify', /sslmode must be disable or allow or prefer or require/],
  ['postgresql://db/app?sslmode=verify-ca', /sslmode=verify-ca needs sslrootcert/],
  ['postgresql://db/app?gssencmode=require', /gssencmode/],
  ['postgresql://db/app?statement_timeout=1', /has the parameter "statement_timeout", which is not supported/],
  ['postgresql://db/app?client_encoding=LATIN1', /client_encoding must be UTF8/],
  ['postgresql:///app?host=a,b,c&port=1,2', /names 3 hosts and 2 ports/],
  ['postgresql://db:port/app', /has a port that is no number/],
  ['postgresql://db:70000/app', /has a port that is no number/],
  ['postgresql://kw:100%@db/app', /percent sign/],
  ['postgresql://kw:a@b@db/app', /@ as %40/],
  ['postgresql://kw:a/b@db/app', /\/ as %2F/],
])('%s is refused with a sentence', (url, sentence) => {
  expect(() => parse(url)).toThrow(sentence)
})

test('the sentence never quotes a password', () => {
  for (const url of [
    'postgresql://kw:s3cret@pass@db/app',
    'postgresql://kw:s3cret/x@db/app',
    'postgresql://kw:s3cret%@db/app',
  ]) {
    expect(() => parse(url)).toThrow(expect.not.objectContaining({ message: expect.stringContaining('s3cret') }))
  }
})

test("libpq's variables about TLS hold where the URI says nothing", () => {
  const env = { PGSSLMODE: 'verify-full', PGSSLROOTCERT: '/etc/ca.pem' }
  expect(parse(withTlsEnvironment('postgresql://db/app', env))).toMatchObject({
    sslMode: 'verify-full',
    sslRootCert: '/etc/ca.pem',
  })
  expect(parse(withTlsEnvironment('postgresql://db/app?sslmode=disable', env)).sslMode).toBe('disable')
  expect(withTlsEnvironment('postgresql://db/app?ssl=true', {})).toBe('postgresql://db/app?ssl=true')
})
