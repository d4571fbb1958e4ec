import { listSigningKeys, rotateSigningKeys, type SigningKeyView } from '../../../management/signing-key-operations.ts'
import type { SigningAlg } from '../../../shared/algorithms.ts'
import { type Block, blocksPage } from '../kit/blocks.ts'
import { actionsCell, badgeCell, type Cell, fact, idCell, linesCell, quietCell, timeCell } from '../kit/cells.ts'
import type { ConsoleCall, ConsoleRoute } from '../kit/console-route.ts'
import { type Column, listView } from '../kit/list-page.ts'
import { confirmPage } from '../kit/panels.ts'
import { revocationPath } from './signing-key-revocation-pages.ts'

const HERE = { href: '/signing-keys', label: 'Signing keys' }

const COLUMNS: readonly Column[] = [
  { heading: 'Key ID' },
  { heading: 'State' },
  { heading: 'Created' },
  { heading: 'Active since' },
  { heading: 'Published until' },
  { heading: 'Actions', hiddenHeading: true },
]

const STATES = {
  current: badgeCell('success', 'Current'),
  next: badgeCell('warning', 'Next'),
  previous: badgeCell('neutral', 'Previous'),
  revoked: badgeCell('error', 'Revoked'),
}

function beginningOf({ state, signsFrom }: SigningKeyView): Cell {
  if (state !== 'next') return timeCell(signsFrom)
  return quietCell(signsFrom ? 'within a minute' : 'at the next rotation')
}

function endOf({ state, publishedUntil, revokedAt }: SigningKeyView): Cell {
  if (revokedAt) return timeCell(revokedAt, '–', 'Revoked')
  return timeCell(publishedUntil, state === 'current' ? '31 days after rotation' : '–')
}

const actionsOf = ({ kid, state }: SigningKeyView): Cell =>
  state === 'revoked' ? quietCell('') : actionsCell({ label: 'Revoke', href: revocationPath(kid), of: kid })

const rowOf = (key: SigningKeyView): readonly Cell[] => [
  idCell(key.kid, 'key ID'),
  STATES[key.state],
  timeCell(key.createdAt),
  beginningOf(key),
  endOf(key),
  actionsOf(key),
]

const RANK = { current: 0, next: 1, previous: 2, revoked: 3 } as const

const sorted = (keys: readonly SigningKeyView[]): SigningKeyView[] =>
  keys.toSorted((one, other) => RANK[one.state] - RANK[other.state])

const blockOf = (alg: SigningAlg, keys: readonly SigningKeyView[]): Block => ({
  part: 'list',
  heading: alg,
  list: listView({
    caption: `Keys for ${alg}`,
    columns: COLUMNS,
    rows: sorted(keys).map(rowOf),
    empty: { title: 'No key yet', text: 'A key is created with the first API that uses this algorithm.' },
  }),
})

const NONE: Block = {
  part: 'empty',
  title: 'No signing keys yet',
  text: 'Keys are created with the first API.',
  action: { href: '/apis/new', label: 'Add API', primary: true },
}

const byAlgorithm = (keys: readonly SigningKeyView[]) =>
  [...Map.groupBy(keys, ({ alg }) => alg)].sort(([one], [other]) => one.localeCompare(other))

const NOTICES = {
  rotated: 'Signing keys rotated. Each new key signs after it has been published for one minute.',
  revoked: 'Signing key revoked. No node publishes it, and every token that it signed is inactive.',
  'revoked-pending':
    'Signing key revoked, and every token that it signed is inactive. Not every node has confirmed that it no longer publishes the key: stop nodes that are not ready.',
}

async function showKeys({ management, who, show, web }: ConsoleCall): Promise<void> {
  const groups = byAlgorithm(await listSigningKeys(management, who, {}))
  const page = {
    title: 'Signing keys',
    lead: 'Keys that sign tokens. Each key is published before its first use and for 31 days after its last.',
    actions: groups.length > 0 ? [{ href: '/signing-keys/rotate', label: 'Rotate keys', primary: true }] : undefined,
    notices: NOTICES,
  }
  const blocks = groups.length > 0 ? groups.map(([alg, keys]) => blockOf(alg, keys)) : [NONE]
  const published: Block = {
    part: 'facts',
    facts: [fact('JWKS URL', idCell(`${web.issuerUrl()}/oauth2/jwks`, 'address'))],
  }
  show(blocksPage(page, [...blocks, published]))
}

/** What of the keys changes hands, a line for each algorithm. */
function handoverOf([alg, keys]: readonly [string, readonly SigningKeyView[]]): string {
  const [current, next] = (['current', 'next'] as const).map((state) => keys.find((key) => key.state === state)?.kid)
  return `${alg}: ${current ?? 'none'} → ${next ?? 'none yet'}`
}

async function askRotation({ management, who, show }: ConsoleCall): Promise<void> {
  const groups = byAlgorithm(await listSigningKeys(management, who, {}))
  show(
    confirmPage({
      title: 'Rotate the signing keys?',
      breadcrumbs: [HERE],
      text: 'Issued tokens stay valid. Resource servers that fetch keys from the JWKS URL need no change.',
      harmless: true,
      stops: [
        'The next key of each algorithm starts to sign after it has been published for one minute.',
        'The current keys stop signing. They stay published for 31 days, longer than any token lifetime.',
        'A new next key is published for each algorithm.',
        'Resource servers with a hard-coded key need the next key first.',
      ],
      facts: [fact('Key change', linesCell(groups.map(handoverOf)))],
      action: '/signing-keys/rotate',
      submit: 'Rotate keys',
      keep: { href: '/signing-keys', label: 'Cancel' },
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
