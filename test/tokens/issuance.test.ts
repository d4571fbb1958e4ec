import { expect, test } from 'vitest'
import { Issuer, type IssuerOptions } from '../../src/tokens/issuance.ts'
import type { TokenRequest } from '../../src/tokens/planned-token.ts'

const API = {
  id: 1,
  version: 1,
  identifier: 'https://api.example.com',
  scopes: ['read'],
  tokenTtl: 60,
  policy: 'none',
  claims: [],
}
const request = {
  client: { registration: { apis: [API], accessTokenTtl: null, policy: null, dpop: 'optional' }, authentication: null },
  resource: undefined,
  scope: undefined,
  subject: '',
  grantId: null,
} as unknown as TokenRequest

/** An issuer whose leases of status indexes are used up by other requests, `usedUp` times; its store refuses the record. */
function createIssuer(usedUp: number) {
  const calls = { draws: 0, waits: 0, records: 0 }
  const options = {
    statusIndexes: {
      draw: () => (calls.draws++ < usedUp ? undefined : { list: { key: 1, id: 'list', apiId: 1 }, index: 7 }),
      ready: async () => void calls.waits++,
    },
    accessTokenStore: {
      record: async () => {
        calls.records++
        return { recorded: false, keyRingVersion: 1 }
      },
    },
    keyRings: {
      ring: { current: () => ({ id: 1, kid: 'key' }), byId: () => ({ kid: 'key' }), has: () => true },
      follow: async () => undefined,
    },
    issuerUrl: 'https://issuer.example.com',
    clock: { now: () => Date.now() },
  } as unknown as IssuerOptions
  return { issuer: new Issuer(options), calls }
}

test('a request that finds each lease used up waits for the next one, then records its token', async () => {
  const { issuer, calls } = createIssuer(3)
  expect(await issuer.issueOnce(request)).toBeUndefined()
  expect(calls).toEqual({ draws: 4, waits: 3, records: 1 })
})

test('a request that never finds a status index gets the error unavailable after a limited number of leases', async () => {
  const { issuer, calls } = createIssuer(Number.POSITIVE_INFINITY)
  await expect(issuer.issueOnce(request)).rejects.toMatchObject({ code: 'unavailable' })
  expect(calls).toMatchObject({ waits: 64, records: 0 })
})
