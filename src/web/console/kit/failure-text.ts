import type { ConsoleText } from '../../../languages/console/console-text.ts'
import type { ConsoleTranslate } from '../../../languages/console/console-translator.ts'

/** Why a fetch failed, as `ssrf-safe-fetch.ts`, `published-keys.ts`, `key-fetches.ts` and `webhook-sender.ts` say it in English. */
const FAILURES = [
  '{host} is not at a public address; the operator can allow it with OUTGOING_ALLOW',
  '{host} did not answer within {seconds} s',
  '{host} answered more than {bytes} bytes',
  '{host} could not be called',
  'the response has the status {status}, not 200; redirects are not followed',
  'the media type of the response is neither application/json nor application/jwk-set+json',
  'the response is no JWK set (RFC 7517, section 5): an object with the member keys',
  'the response is no usable JWK set',
  'the response could not be read',
  'the key set has more than {count} keys for signatures',
  'the key set has more than {count} keys',
  'the key set has a private or symmetric key: send public keys only',
  'the request could not be sent',
] as const satisfies readonly ConsoleText[]

type Failure = (typeof FAILURES)[number]

const PLACEHOLDER = /\{(\w+)\}/

/** What stands in `stored` for the placeholders of `failure`; undefined: it says something else. */
function valuesIn(stored: string, failure: Failure): Record<string, string> | undefined {
  const [start, ...parts] = failure.split(PLACEHOLDER)
  if (!stored.startsWith(start!)) return undefined
  const values: Record<string, string> = {}
  let at = start!.length
  for (let n = 0; n < parts.length; n += 2) {
    const next = parts[n + 1]!
    const end = n + 2 === parts.length ? stored.length - next.length : stored.indexOf(next, at)
    if (end <= at || !stored.startsWith(next, end)) return undefined
    values[parts[n]!] = stored.slice(at, end)
    at = end + next.length
  }
  return at === stored.length ? values : undefined
}

/** A failure that is stored in English, in the language of the page if it is known. */
export function failureText(t: ConsoleTranslate, stored: string): string {
  for (const failure of FAILURES) {
    const values = valuesIn(stored, failure)
    if (values) return t(failure, values as never)
  }
  return t.declared(stored)
}
