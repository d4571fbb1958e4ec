import { listSigningKeys, rotateSigningKeys, type SigningKeyView } from '../../../management/instance-operations.ts'
import type { SigningAlg } from '../../../shared/algorithms.ts'
import { type Block, blocksPage } from '../kit/blocks.ts'
import { badgeCell, type Cell, fact, idCell, linesCell, quietCell, timeCell } from '../kit/cells.ts'
import type { ConsoleCall, ConsoleRoute } from '../kit/console-route.ts'
import { type Column, listView } from '../kit/list-page.ts'
import { confirmPage } from '../kit/panels.ts'

const HERE = { href: '/signing-keys', label: 'Signing keys' }

const COLUMNS: readonly Column[] = [
  { heading: 'Key id' },
  { heading: 'State' },
  { heading: 'Made' },
  { heading: 'Signs since' },
  { heading: 'Published until' },
]

const STATES = {
  current: badgeCell('success', 'Current: signs now'),
  next: badgeCell('warning', 'Next: published, waits'),
  previous: badgeCell('neutral', 'Previous: still published'),
}

function beginningOf({ state, signsFrom }: SigningKeyView): Cell {
  if (state !== 'next') return timeCell(signsFrom)
  return quietCell(signsFrom ? 'within a minute' : 'when keys are rotated')
}

const rowOf = (key: SigningKeyView): readonly Cell[] => [
  idCell(key.kid, 'key id'),
  STATES[key.state],
  timeCell(key.createdAt),
  beginningOf(key),
  timeCell(key.publishedUntil, key.state === 'current' ? 'a month after it signs no more' : '–'),
]

const RANK = { current: 0, next: 1, previous: 2 } as const

const sorted = (keys: readonly SigningKeyView[]): SigningKeyView[] =>
  keys.toSorted((one, other) => RANK[one.state] - RANK[other.state])

const blockOf = (alg: SigningAlg, keys: readonly SigningKeyView[]): Block => ({
  part: 'list',
  heading: alg,
  list: listView({
    caption: `Keys for ${alg}`,
    columns: COLUMNS,
    rows: sorted(keys).map(rowOf),
    empty: { title: 'No key yet', text: 'One is made with the first API that needs it.' },
  }),
})

const NONE: Block = {
  part: 'empty',
  title: 'No signing key yet',
  text: 'Keys are made with the first API that needs them.',
  action: { href: '/apis/new', label: 'Declare an API', primary: true },
}

const byAlgorithm = (keys: readonly SigningKeyView[]) =>
  [...Map.groupBy(keys, ({ alg }) => alg)].sort(([one], [other]) => one.localeCompare(other))

async function showKeys({ management, who, show, web }: ConsoleCall): Promise<void> {
  const groups = byAlgorithm(await listSigningKeys(management, who, {}))
  const page = {
    title: 'Signing keys',
    lead: 'Tokens are signed with these. Each key is published before it signs and long after, so that nobody meets a token with a key that they cannot find.',
    actions: groups.length > 0 ? [{ href: '/signing-keys/rotate', label: 'Rotate', primary: true }] : undefined,
    notices: { rotated: 'The keys are rotated. Each new key signs as soon as it has been published for a minute.' },
  }
  const blocks = groups.length > 0 ? groups.map(([alg, keys]) => blockOf(alg, keys)) : [NONE]
  const published: Block = {
    part: 'facts',
    facts: [fact('Published at', idCell(`${web.issuerUrl()}/oauth2/jwks`, 'address'))],
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
      crumbs: [HERE],
      text: 'Nothing breaks: every token that was issued stays good, and programs that fetch keys as they need them notice nothing.',
      harmless: true,
      stops: [
        'The next key of each algorithm begins to sign, once it has been published for a minute.',
        'The present keys sign no more. They stay published for 31 days, longer than any token lives.',
        'A new next key is published for each.',
        'Whoever wrote one key down, instead of fetching the keys, must be given the next one first.',
      ],
      facts: [fact('Handing over', linesCell(groups.map(handoverOf)))],
      action: '/signing-keys/rotate',
      submit: 'Rotate',
      keep: { href: '/signing-keys', label: 'Not now' },
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
