import type { ConsoleTranslate } from '../../../languages/console/console-translator.ts'
import type { RevocationFollower } from '../../../management/revocation-effect.ts'
import type { ApiOfKey, SigningKeyImpact } from '../../../management/signing-key-impact.ts'
import { revokeSigningKey } from '../../../management/signing-key-operations.ts'
import { boundedValues } from '../kit/bounded-values.ts'
import { type Cell, type Fact, fact, idCell, quietCell, textCell, timeCell } from '../kit/cells.ts'
import type { ConsoleCall, ConsoleRoute } from '../kit/console-route.ts'
import { countedUpTo } from '../kit/counts.ts'
import { listView } from '../kit/list-page.ts'
import { confirmPage } from '../kit/panels.ts'

const LIST = '/signing-keys'

export const revocationPath = (kid: string): string => `${LIST}/${encodeURIComponent(kid)}/revoke`

type Way = RevocationFollower['way']

const WAYS: readonly Way[] = ['introspection', 'feed', 'list']

function wayText(t: ConsoleTranslate, way: Way): string {
  if (way === 'introspection') return t('Introspection')
  return way === 'feed' ? t('Revocation feed') : t('Status lists')
}

/** When a resource server refuses the tokens. One keeps a status list for its lifetime, and a cache before it for another. */
function refusedText(t: ConsoleTranslate, way: Way, ttl: number): string {
  if (way === 'introspection') return t('At once')
  return way === 'feed' ? t('Within about a second') : t('Within {duration}', { duration: t.duration(2 * ttl) })
}

function rowsOf(
  t: ConsoleTranslate,
  { identifier, tokens, followers, lastExpiresAt }: ApiOfKey,
  ttl: number,
): Cell[][] {
  const api = textCell(identifier, countedUpTo(t, tokens, 'active token'))
  const seen = WAYS.filter((way) => followers.some((one) => one.way === way))
  if (seen.length === 0)
    return [[api, quietCell(t('none seen')), timeCell(lastExpiresAt, '–', t('when the last one expires'))]]
  return seen.map((way) => {
    const ips = followers.filter((one) => one.way === way).map(({ ip }) => ip)
    return [api, textCell(wayText(t, way), ips.join(', ')), textCell(refusedText(t, way, ttl))]
  })
}

const apisList = (t: ConsoleTranslate, apis: readonly ApiOfKey[], ttl: number) =>
  listView({
    caption: t('APIs that accept tokens of the key'),
    columns: [t('API'), t('Resource servers learn by'), t('Tokens refused')].map((heading) => ({ heading })),
    rows: apis.flatMap((api) => rowsOf(t, api, ttl)),
    empty: { title: t('No API is affected'), text: t('No active token was signed with this key.') },
  })

function tokensStop(t: ConsoleTranslate, { tokens }: SigningKeyImpact): string {
  if (tokens === null) return t('revoke many access tokens immediately, on every node: too many to count in time')
  if (tokens.count === 0) return t('revoke no access tokens: none are active')
  return t(
    'revoke {more, select, yes {more than } other {}}{count, plural, one {# active access token} other {# active access tokens}} immediately, on every node',
    boundedValues(tokens),
  )
}

function successionText(t: ConsoleTranslate, { state, successor }: SigningKeyImpact): string {
  if (successor?.isRecent)
    return t(
      'let a key sign from now on that was published less than a minute ago. Resource servers that cache the key set and do not follow the revocation feed may refuse new tokens until they fetch it again. To prevent that, wait a minute',
    )
  if (state === 'current') return t('let the next key sign from now on, and publish a new next key')
  if (state === 'next') return t('publish another next key. The current key continues to sign')
  return t('not change which key signs')
}

function factsOf(t: ConsoleTranslate, { kid, alg, state, createdAt }: SigningKeyImpact): Fact[] {
  return [
    fact(t('Key ID'), idCell(kid, t('key ID'))),
    fact(
      t('Algorithm'),
      textCell(t('{alg}, {state, select, current {current} next {next} other {previous}}', { alg, state })),
    ),
    fact(t('Created'), timeCell(createdAt)),
  ]
}

const stopsOf = (t: ConsoleTranslate, impact: SigningKeyImpact): string[] => [
  t(
    'remove the key from the key set immediately. Resource servers that cache the key set and do not follow the revocation feed may keep it for several minutes',
  ),
  tokensStop(t, impact),
  successionText(t, impact),
  t('make ID tokens of the key invalid. Users stay signed in'),
  t('not revoke refresh tokens and client secrets: clients get new access tokens with them'),
]

async function askRevocation({ management, who, web, params, show, t }: ConsoleCall): Promise<void> {
  const impact = await revokeSigningKey.dryRun(management, who, { kid: params.kid! })
  const { apis } = impact
  show(
    confirmPage({
      title: t('Revoke this signing key?'),
      breadcrumbs: [{ href: LIST, label: t('Signing keys') }],
      text: t(
        'Revoke a key whose private half may be known to others. To replace a key that is only old, rotate the keys instead: their tokens stay valid.',
      ),
      stops: stopsOf(t, impact),
      facts: factsOf(t, impact),
      ...(apis && { affected: { heading: t('Affected APIs'), list: apisList(t, apis, web.statusListTtl) } }),
      action: revocationPath(impact.kid),
      submit: t('Revoke signing key'),
      keep: { href: LIST, label: t('Cancel') },
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
