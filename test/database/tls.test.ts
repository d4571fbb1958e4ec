import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openDatabase } from '../../src/database/open-database.ts'
import { createCertificates } from '../support/certificates.ts'
import { createSystemPostgres, findPostgres, type SystemPostgres } from '../support/system-postgres.ts'

const bin = await findPostgres()

describe.skipIf(!bin)('sslmode', () => {
  let withTls: SystemPostgres
  let plain: SystemPostgres
  let ca: string
  let otherCa: string

  beforeAll(async () => {
    plain = await createSystemPostgres(bin!)
    await plain.start()
    withTls = await createSystemPostgres(bin!)
    await withTls.start()
    const files = createCertificates(withTls.home, 'own')
    ca = files.ca
    otherCa = createCertificates(plain.home, 'other').ca
    withTls.configure(`ssl = on\nssl_cert_file = '${files.cert}'\nssl_key_file = '${files.key}'`)
    await withTls.query('CREATE ROLE tls_only LOGIN')
    writeFileSync(join(withTls.data, 'pg_hba.conf'), 'hostssl all tls_only all trust\nhost all postgres all trust\n')
    await withTls.query('SELECT pg_reload_conf()')
  })

  afterAll(async () => {
    await withTls?.remove()
    await plain?.remove()
  })

  const IS_ENCRYPTED = { name: '', text: 'SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()', values: [] }

  /** Whether the connection is encrypted, or why there is none. */
  async function connect(server: SystemPostgres, query: string, user = 'postgres', host = 'localhost') {
    const database = openDatabase(`postgresql://${user}@${host}:${server.port}/postgres?${query}`)
    try {
      return (await database.query<{ ssl: boolean }>(IS_ENCRYPTED))[0]!.ssl
    } catch (error) {
      return (error as Error).message
    } finally {
      await database.close()
    }
  }

  test('without certificates to verify, it decides about encryption as in libpq', async () => {
    const outcomes = async (server: SystemPostgres, user?: string) => [
      await connect(server, 'sslmode=disable', user),
      await connect(server, 'sslmode=allow', user),
      await connect(server, 'sslmode=prefer', user),
      await connect(server, '', user),
      await connect(server, 'sslmode=require', user),
    ]
    expect(await outcomes(withTls)).toEqual([false, false, true, true, true])
    const refused = expect.stringMatching(/it does not admit this user from here; see pg_hba.conf/)
    expect(await outcomes(withTls, 'tls_only')).toEqual([refused, true, true, true, true])
    const noTls = expect.stringMatching(/it offers no TLS; enable ssl there, or set sslmode=prefer or disable$/)
    expect(await outcomes(plain)).toEqual([false, false, false, false, noTls])
  })

  test('with a certificate authority, it verifies as in libpq', async () => {
    const [own, other] = [`sslrootcert=${ca}`, `sslrootcert=${otherCa}`]
    const untrusted = expect.stringMatching(
      /its certificate is from no trusted authority; name the authority with sslrootcert$/,
    )
    expect(await connect(withTls, `sslmode=require&${own}`)).toBe(true)
    expect(await connect(withTls, `sslmode=require&${other}`)).toEqual(untrusted)
    expect(await connect(withTls, `sslmode=verify-ca&${other}`)).toEqual(untrusted)
    expect(await connect(withTls, `sslmode=verify-ca&${own}`, 'postgres', '127.0.0.1')).toBe(true)
    expect(await connect(withTls, `sslmode=verify-full&${own}`)).toBe(true)
    expect(await connect(withTls, `sslmode=verify-full&${own}`, 'postgres', '127.0.0.1')).toMatch(
      /its certificate is for another host name than the one in DATABASE_URL$/,
    )
    // Without a file: the authorities that Node trusts, as libpq's sslrootcert=system.
    expect(await connect(withTls, 'sslmode=verify-full')).toEqual(untrusted)
  })

  test('a file that cannot be read is named, and no secret is', async () => {
    expect(await connect(withTls, 'sslmode=verify-full&sslrootcert=/nowhere/ca.pem', 'postgres:s3cret')).toBe(
      `database postgres as postgres at localhost:${withTls.port}: the file that sslrootcert names cannot be read (ENOENT): /nowhere/ca.pem`,
    )
  })
})
