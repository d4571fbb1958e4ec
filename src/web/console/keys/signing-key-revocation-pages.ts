import { toConsoleEnglish } from '../../../languages/console/console-translator.ts'
import type { RevocationFollower } from '../../../management/revocation-effect.ts'
import type { ApiOfKey, SigningKeyImpact } from '../../../management/signing-key-impact.ts'
import { revokeSigningKey } from '../../../management/signing-key-operations.ts'
import { type Cell, fact, idCell, quietCell, textCell, timeCell } from '../kit/cells.ts'
import type { ConsoleCall, ConsoleRoute } from '../kit/console-route.ts'
import { countedUpTo } from '../kit/counts.ts'
import { durationInWords } from '../kit/duration-text.ts'
import { listView } from '../kit/list-page.ts'
import { confirmPage } from '../kit/panels.ts'

const LIST = '/signing-keys'

export const revocationPath = (kid: string): string => `${LIST}/${encodeURIComponent(kid)}/revoke`

type Way = RevocationFollower['way']

const WAYS: Readonly<Record<Way, string>> = {
  introspection: 'Introspection',
  feed: 'Revocation feed',
  list: 'Status lists',
}

/** When a resource server refuses the tokens. One keeps a status list for its lifetime, and a cache before it for another. */
function refusedText(way: Way, ttl: number): string {
  if (way === 'introspection') return 'At once'
  return way === 'feed' ? 'Within about a second' : `Within ${durationInWords(2 * ttl)}`
}

function rowsOf({ identifier, tokens, followers, lastExpiresAt }: ApiOfKey, ttl: number): Cell[][] {
  const api = textCell(identifier, countedUpTo(toConsoleEnglish(), tokens, 'active token'))
  const seen = (Object.keys(WAYS) as Way[]).filter((way) => followers.some((one) => one.way === way))
  if (seen.length === 0)
    return [[api, quietCell('none seen'), timeCell(lastExpiresAt, '–', 'when the last one expires')]]
  return seen.map((way) => {
    const ips = followers.filter((one) => one.way === way).map(({ ip }) => ip)
    return [api, textCell(WAYS[way], ips.join(', ')), textCell(refusedText(way, ttl))]
  })
}

const apisList = (apis: readonly ApiOfKey[], ttl: number) =>
  listView({
    caption: 'APIs that accept tokens of the key',
    columns: ['API', 'Resource servers learn by', 'Tokens refused'].map((heading) => ({ heading })),
    rows: apis.flatMap((api) => rowsOf(api, ttl)),
    empty: { title: 'No API is affected', text: 'No active token was signed with this key.' },
  })

function tokensStop({ tokens }: SigningKeyImpact): string {
  if (tokens === null) return 'revoke many access tokens immediately, on every node: too many to count in time'
  if (tokens.count === 0) return 'revoke no access tokens: none are active'
  return `revoke ${countedUpTo(toConsoleEnglish(), tokens, 'active access token')} immediately, on every node`
}

const RECENT_SUCCESSOR =
  'let a key sign from now on that was published less than a minute ago. Resource servers that cache the key set and do not follow the revocation feed may refuse new tokens until they fetch it again. To prevent that, wait a minute'

const SUCCESSION: Readonly<Record<SigningKeyImpact['state'], string>> = {
  current: 'let the next key sign from now on, and publish a new next key',
  next: 'publish another next key. The current key continues to sign',
  previous: 'not change which key signs',
}

const successionText = ({ state, successor }: SigningKeyImpact): string =>
  successor?.isRecent ? RECENT_SUCCESSOR : SUCCESSION[state]

async function askRevocation({ management, who, web, params, show }: ConsoleCall): Promise<void> {
  const impact = await revokeSigningKey.dryRun(management, who, { kid: params.kid! })
  show(
    confirmPage({
      title: 'Revoke this signing key?',
      breadcrumbs: [{ href: LIST, label: 'Signing keys' }],
      text: 'Revoke a key whose private half may be known to others. To replace a key that is only old, rotate the keys instead: their tokens stay valid.',
      stops: [
        'remove the key from the key set immediately. Resource servers that cache the key set and do not follow the revocation feed may keep it for several minutes',
        tokensStop(impact),
        successionText(impact),
        'make ID tokens of the key invalid. Users stay signed in',
        'not revoke refresh tokens and client secrets: clients get new access tokens with them',
      ],
      facts: [
        fact('Key ID', idCell(impact.kid, 'key ID')),
        fact('Algorithm', textCell(`${impact.alg}, ${impact.state}`)),
        fact('Created', timeCell(impact.createdAt)),
      ],
      ...(impact.apis && { affected: { heading: 'Affected APIs', list: apisList(impact.apis, web.statusListTtl) } }),
      action: revocationPath(impact.kid),
      submit: 'Revoke signing key',
      keep: { href: LIST, label: 'Cancel' },
    }),
  )
}

async function revoke({ management, who, params, goTo }: ConsoleCall): Promise<void> {
  const { pendingNodes } = await revokeSigningKey(management, who, { kid: params.kid! })
  goTo(`${LIST}?notice=${pendingNodes === 0 ? 'revoked' : 'revoked-pending'}`)
}

export const SIGNING_KEY_REVOCATION_PAGES: readonly ConsoleRoute[] = [
  {
    method: 'get',
    path: '/signing-keys/:kid/revoke',
    permission: revokeSigningKey.permission,
    handle: askRevocation,
  },
  { method: 'post', path: '/signing-keys/:kid/revoke', permission: revokeSigningKey.permission, handle: revoke },
]
