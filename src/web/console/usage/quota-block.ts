import type { QuotaUse } from '../../../clients/quotas.ts'
import { waitInWords } from '../../relative-time.ts'
import type { Block } from '../kit/blocks.ts'
import { badgeCell, type Cell, numberCell, textCell } from '../kit/cells.ts'
import { listView } from '../kit/list-page.ts'

const OWNERS = { client: 'Its own quota', account: 'Quota of the account' } as const

const WINDOWS = { hour: 'Tokens this hour', day: 'Tokens today' } as const

const NUMBER = new Intl.NumberFormat('en')

function stateCell({ limit, used, mode }: QuotaUse): Cell {
  if (used < limit) return mode === 'enforce' ? textCell('Enforced') : textCell('Observed')
  if (mode === 'enforce') return badgeCell('error', 'Used up')
  return used === limit
    ? badgeCell('warning', 'Used up, observed')
    : badgeCell('warning', `${NUMBER.format(used - limit)} beyond, observed`)
}

const rowOf = (use: QuotaUse): Cell[] => [
  textCell(WINDOWS[use.window], OWNERS[use.owner]),
  numberCell(use.used),
  numberCell(use.limit),
  stateCell(use),
  textCell(`in ${waitInWords(use.resetsIn)}`),
]

/** The quotas of an account, or those that the tokens of a client count for; nothing if there are none. */
export function quotaBlocks(quotas: readonly QuotaUse[]): Block[] {
  if (quotas.length === 0) return []
  const list = listView({
    caption: 'Quotas',
    columns: [
      { heading: 'Quota' },
      { heading: 'Used', numeric: true },
      { heading: 'Limit', numeric: true },
      { heading: 'State' },
      { heading: 'Resets' },
    ],
    rows: quotas.map(rowOf),
    empty: { title: '', text: '' },
  })
  const lead =
    'Hours and days are those of UTC. Enforced: token requests beyond the quota are refused. Observed: they are served and counted.'
  return [{ part: 'list', heading: 'Quotas', lead, list }]
}
