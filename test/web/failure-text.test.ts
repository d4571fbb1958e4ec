/** Failures of fetches, and of rules, are English in the code and the database, and shown in the language of the page. */
import { afterAll, expect, it } from 'vitest'
import { DEFAULT_SETTINGS } from '../../src/clients/client-settings.ts'
import { errorsOfFapi } from '../../src/clients/fapi-rules.ts'
import { readPublishedKeys } from '../../src/clients/published-keys.ts'
import { createSsrfSafeFetch } from '../../src/http/ssrf-safe-fetch.ts'
import { toConsoleEnglish, translateConsoleTo } from '../../src/languages/console/console-translator.ts'
import { CONSOLE_LANGUAGES } from '../../src/languages/languages.ts'
import { failureText } from '../../src/web/console/kit/failure-text.ts'

const german = translateConsoleTo(CONSOLE_LANGUAGES.find(({ code }) => code === 'de')!)

const outgoing = createSsrfSafeFetch({ allow: [] })
afterAll(() => outgoing.close())

const messageOf = async (failing: Promise<unknown>): Promise<string> =>
  await failing.then(
    () => 'nothing failed',
    (error: Error) => error.message,
  )

const jwks = (body: string, status = 200) =>
  readPublishedKeys(new Response(body, { status, headers: { 'content-type': 'application/json' } }))

const keys = (count: number, more = {}) => JSON.stringify({ keys: Array.from({ length: count }, () => more) })

const CASES: [german: string, failing: () => Promise<unknown>][] = [
  ['127.0.0.1 liegt nicht an einer öffentlichen Adresse', () => outgoing.fetch('http://127.0.0.1:8999/')],
  // A port that the Fetch standard blocks.
  ['127.0.0.1:9 war nicht zu erreichen', () => outgoing.fetch('http://127.0.0.1:9/')],
  ['den Status 503, nicht 200', () => jwks('', 503)],
  ['weder application/json noch', () => readPublishedKeys(new Response('<p>'))],
  ['kein JWK-Set', () => jwks('[]')],
  ['mehr als 50 Schlüssel', () => jwks(keys(51, { kty: 'EC' }))],
  ['einen privaten oder symmetrischen Schlüssel', () => jwks(keys(1, { kty: 'oct', k: 'AA' }))],
]

it.each(CASES)('a failure is German on a German page: %s', async (text, failing) => {
  const stored = await messageOf(failing())
  expect(failureText(german, stored)).toContain(text)
  expect(failureText(toConsoleEnglish(), stored)).toBe(stored)
})

it('a failure that nobody knows stays as it is', () => {
  expect(failureText(german, 'an error of a later version')).toBe('an error of a later version')
})

it('what FAPI 2.0 refuses is German on a German page', () => {
  const settings = {
    ...DEFAULT_SETTINGS,
    name: 'Bank',
    grants: ['authorization_code'],
    fapi2: true,
    parRequired: false,
    pkceRequired: false,
    refreshTokenRotation: true,
    endpointAudiences: true,
    queryCredentials: true,
    idTokenAlg: 'ES256' as const,
  }
  const messages = [settings, { ...settings, isPublic: true }].flatMap((one) => [...errorsOfFapi(one)])
  expect(messages.length).toBeGreaterThan(12)
  for (const { message } of messages) expect(german.declared(message)).not.toBe(message)
})
