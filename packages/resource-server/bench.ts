/**
 * Compares the CPU time of a verification with status to jose's `jwtVerify` of the same token. Prints one JSON array.
 * Usage: node packages/resource-server/bench.ts [seconds per round] [rounds]
 */
import { pathToFileURL } from 'node:url'
import { deflateSync } from 'node:zlib'
import { createLocalJWKSet, exportJWK, generateKeyPair, jwtVerify, SignJWT } from 'jose'
import { createVerifier } from './src/index.ts'

const ISSUER = 'https://auth.example.com'
const AUDIENCE = 'https://api.example.com'
const LIST = `${ISSUER}/oauth2/status/a`
const TOKENS = 64
const LIST_SIZE = 65_536

export interface VerificationCost {
  readonly algorithm: string
  /** Verifications per second of CPU time. */
  readonly joseAlone: number
  readonly withStatus: number
  /** CPU time of a verification with status, divided by that of jose alone. */
  readonly ratio: number
}

async function signTokens(algorithm: string) {
  const { publicKey, privateKey } = await generateKeyPair(algorithm, { extractable: true })
  const jwks = { keys: [{ ...(await exportJWK(publicKey)), kid: 'k', alg: algorithm, use: 'sig' }] }
  const iat = Math.floor(Date.now() / 1000)
  const sign = (typ: string, claims: object) =>
    new SignJWT({ iss: ISSUER, iat, ...claims }).setProtectedHeader({ alg: algorithm, kid: 'k', typ }).sign(privateKey)
  const status_list = { bits: 1, lst: deflateSync(new Uint8Array(LIST_SIZE / 8)).toString('base64url') }
  const list = await sign('statuslist+jwt', { sub: LIST, exp: iat + 86_400, ttl: 3600, status_list })
  const claims = { aud: AUDIENCE, sub: 'kwk_app', client_id: 'kwk_app', scope: 'read', exp: iat + 36_000 }
  const tokens = await Promise.all(
    Array.from({ length: TOKENS }, (_, n) =>
      sign('at+jwt', {
        ...claims,
        jti: crypto.randomUUID(),
        status: { status_list: { idx: (n * 1021) % LIST_SIZE, uri: LIST } },
      }),
    ),
  )
  return { jwks, list, tokens }
}

type Work = (token: string) => Promise<unknown>

/** Verifies tokens one after the other for that time. Returns the number per second of CPU time. */
async function rate(work: Work, tokens: readonly string[], milliseconds: number): Promise<number> {
  const cpu = process.cpuUsage()
  let done = 0
  for (const end = performance.now() + milliseconds; performance.now() < end; ) {
    for (const token of tokens) await work(token)
    done += tokens.length
  }
  const { user, system } = process.cpuUsage(cpu)
  return (done * 1_000_000) / (user + system)
}

const median = (numbers: number[]): number => numbers.sort((a, b) => a - b)[Math.floor(numbers.length / 2)]!

/** Measures both alternately, so that other load affects both. */
export async function measureVerification(
  algorithm = 'ES256',
  milliseconds = 500,
  rounds = 9,
): Promise<VerificationCost> {
  const { jwks, list, tokens } = await signTokens(algorithm)
  const serve = async (url: string) =>
    url === LIST
      ? new Response(list, { headers: { 'content-type': 'application/statuslist+jwt' } })
      : Response.json(jwks)
  const verifier = createVerifier({ issuer: ISSUER, audience: AUDIENCE, requiredScopes: ['read'], fetch: serve })
  const keys = createLocalJWKSet(jwks)
  const options = { issuer: ISSUER, audience: AUDIENCE, typ: 'at+jwt', algorithms: [algorithm] }
  const alone: Work = (token) => jwtVerify(token, keys, options)
  const ours: Work = (token) => verifier.verify({ headers: { authorization: `Bearer ${token}` } })
  for (const work of [alone, ours]) await rate(work, tokens, milliseconds)
  const samples: { alone: number; ours: number }[] = []
  for (let n = 0; n < rounds; n++) {
    // The second of a pair collects the garbage of the first, so each goes first equally often.
    const order = n % 2 ? [alone, ours] : [ours, alone]
    const first = await rate(order[0]!, tokens, milliseconds)
    const second = await rate(order[1]!, tokens, milliseconds)
    samples.push(n % 2 ? { alone: first, ours: second } : { alone: second, ours: first })
  }
  await verifier.close()
  return {
    algorithm,
    joseAlone: Math.round(median(samples.map((sample) => sample.alone))),
    withStatus: Math.round(median(samples.map((sample) => sample.ours))),
    ratio: Number(median(samples.map((sample) => sample.alone / sample.ours)).toFixed(3)),
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const [seconds = '0.5', rounds = '9'] = process.argv.slice(2)
  const results: VerificationCost[] = []
  for (const algorithm of ['ES256', 'RS256', 'EdDSA']) {
    results.push(await measureVerification(algorithm, Number(seconds) * 1000, Number(rounds)))
  }
  process.stdout.write(`${JSON.stringify(results)}\n`)
}
