import type { ConsoleTranslate } from '../../../languages/console/console-translator.ts'
import { listSigningKeys, rotateSigningKeys, type SigningKeyView } from '../../../management/signing-key-operations.ts'
import type { SigningAlg } from '../../../shared/algorithms.ts'
import { type Block, blocksPage } from '../kit/blocks.ts'
import { actionsCell, badgeCell, type Cell, fact, idCell, linesCell, quietCell, timeCell } from '../kit/cells.ts'
import type { ConsoleCall, ConsoleRoute } from '../kit/console-route.ts'
import { type Column, listView } from '../kit/list-page.ts'
import { confirmPage } from '../kit/panels.ts'
import { revocationPath } from './signing-key-revocation-pages.ts'

const columnsOf = (t: ConsoleTranslate): readonly Column[] => [
  { heading: t('Key ID') },
  { heading: t('State') },
  { heading: t('Created') },
  { heading: t('Active since') },
  { heading: t('Published until') },
  { heading: t('Actions'), hiddenHeading: true },
]

const TONES = { current: 'success', next: 'warning', previous: 'neutral', revoked: 'error' } as const

const stateCell = (t: ConsoleTranslate, state: SigningKeyView['state']): Cell =>
  badgeCell(
    TONES[state],
    t('{state, select, current {Current} next {Next} previous {Previous} other {Revoked}}', { state }),
  )

function beginningOf(t: ConsoleTranslate, { state, signsFrom }: SigningKeyView): Cell {
  if (state !== 'next') return timeCell(signsFrom)
  return quietCell(signsFrom ? t('within a minute') : t('at the next rotation'))
}

function endOf(t: ConsoleTranslate, { state, publishedUntil, revokedAt }: SigningKeyView): Cell {
  if (revokedAt) return timeCell(revokedAt, '–', t('Revoked'))
  return timeCell(publishedUntil, state === 'current' ? t('31 days after rotation') : '–')
}

const actionsOf = (t: ConsoleTranslate, { kid, state }: SigningKeyView): Cell =>
  state === 'revoked' ? quietCell('') : actionsCell({ label: t('Revoke'), href: revocationPath(kid), of: kid })

const rowOf = (t: ConsoleTranslate, key: SigningKeyView): readonly Cell[] => [
  idCell(key.kid, t('key ID')),
  stateCell(t, key.state),
  timeCell(key.createdAt),
  beginningOf(t, key),
  endOf(t, key),
  actionsOf(t, key),
]

const RANK = { current: 0, next: 1, previous: 2, revoked: 3 } as const

const sorted = (keys: readonly SigningKeyView[]): SigningKeyView[] =>
  keys.toSorted((one, other) => RANK[one.state] - RANK[other.state])

const blockOf = (t: ConsoleTranslate, alg: SigningAlg, keys: readonly SigningKeyView[]): Block => ({
  part: 'list',
  heading: alg,
  list: listView({
    caption: t('Keys for {alg}', { alg }),
    columns: columnsOf(t),
    rows: sorted(keys).map((key) => rowOf(t, key)),
    empty: { title: t('No key yet'), text: t('A key is created with the first API that uses this algorithm.') },
  }),
})

const noneBlock = (t: ConsoleTranslate): Block => ({
  part: 'empty',
  title: t('No signing keys yet'),
  text: t('Keys are created with the first API.'),
  action: { href: '/apis/new', label: t('Add API'), primary: true },
})

const byAlgorithm = (keys: readonly SigningKeyView[]) =>
  [...Map.groupBy(keys, ({ alg }) => alg)].sort(([one], [other]) => one.localeCompare(other))

const noticesOf = (t: ConsoleTranslate) => ({
  rotated: t('Signing keys rotated. Each new key signs after it has been published for one minute.'),
  revoked: t('Signing key revoked. No node publishes it, and every token that it signed is inactive.'),
  'revoked-pending': t(
    'Signing key revoked, and every token that it signed is inactive. Not every node has confirmed that it no longer publishes the key: stop nodes that are not ready.',
  ),
})

async function showKeys({ management, who, show, web, t }: ConsoleCall): Promise<void> {
  const groups = byAlgorithm(await listSigningKeys(management, who, {}))
  const rotation = { href: '/signing-keys/rotate', label: t('Rotate keys'), primary: true }
  const page = {
    title: t('Signing keys'),
    lead: t('Keys that sign tokens. Each key is published before its first use and for 31 days after its last.'),
    actions: groups.length > 0 ? [rotation] : undefined,
    notices: noticesOf(t),
  }
  const blocks = groups.length > 0 ? groups.map(([alg, keys]) => blockOf(t, alg, keys)) : [noneBlock(t)]
  const published: Block = {
    part: 'facts',
    facts: [fact(t('JWKS URL'), idCell(`${web.issuerUrl()}/oauth2/jwks`, t('address')))],
  }
  show(blocksPage(page, [...blocks, published]))
}

/** What of the keys changes hands, a line for each algorithm. */
function handoverOf(t: ConsoleTranslate, [alg, keys]: readonly [string, readonly SigningKeyView[]]): string {
  const [current, next] = (['current', 'next'] as const).map((state) => keys.find((key) => key.state === state)?.kid)
  return `${alg}: ${current ?? t('no key')} → ${next ?? t('no key yet')}`
}

async function askRotation({ management, who, show, t }: ConsoleCall): Promise<void> {
  const groups = byAlgorithm(await listSigningKeys(management, who, {}))
  show(
    confirmPage({
      title: t('Rotate the signing keys?'),
      breadcrumbs: [{ href: '/signing-keys', label: t('Signing keys') }],
      text: t('Issued tokens stay valid. Resource servers that fetch keys from the JWKS URL need no change.'),
      harmless: true,
      stops: [
        t('The next key of each algorithm starts to sign after it has been published for one minute.'),
        t('The current keys stop signing. They stay published for 31 days, longer than any token lifetime.'),
        t('A new next key is published for each algorithm.'),
        t('Resource servers with a hard-coded key need the next key first.'),
      ],
      facts: [fact(t('Key change'), linesCell(groups.map((group) => handoverOf(t, group))))],
      action: '/signing-keys/rotate',
      submit: t('Rotate keys'),
      keep: { href: '/signing-keys', label: t('Cancel') },
    }),
  )
}

async function rotate({ management, who, goTo }: ConsoleCall): Promise<void> {
  await rotateSigningKeys(management, who, {})
  goTo('/signing-keys?notice=rotated')
}

export const SIGNING_KEY_PAGES: readonly ConsoleRoute[] = [
  { method: 'get', path: '/signing-keys', permission: listSigningKeys.permission, handle: showKeys },
  { method: 'get', path: '/signing-keys/rotate', permission: rotateSigningKeys.permission, handle: askRotation },
  { method: 'post', path: '/signing-keys/rotate', permission: rotateSigningKeys.permission, handle: rotate },
]
