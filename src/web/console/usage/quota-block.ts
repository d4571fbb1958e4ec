import type { QuotaUse } from '../../../clients/quotas.ts'
import type { ConsoleTranslate } from '../../../languages/console/console-translator.ts'
import type { Block } from '../kit/blocks.ts'
import { badgeCell, type Cell, numberCell, textCell } from '../kit/cells.ts'
import { listView } from '../kit/list-page.ts'

const ownerText = (t: ConsoleTranslate, { owner }: QuotaUse): string =>
  owner === 'client' ? t('Its own quota') : t('Quota of the account')

const windowText = (t: ConsoleTranslate, { window }: QuotaUse): string =>
  window === 'hour' ? t('Tokens this hour') : t('Tokens today')

function stateCell(t: ConsoleTranslate, { limit, used, mode }: QuotaUse): Cell {
  if (used < limit) return mode === 'enforce' ? textCell(t('Enforced')) : textCell(t('Observed'))
  if (mode === 'enforce') return badgeCell('error', t('Used up'))
  return used === limit
    ? badgeCell('warning', t('Used up, observed'))
    : badgeCell('warning', t('{count, number} beyond, observed', { count: used - limit }))
}

const rowOf = (t: ConsoleTranslate, use: QuotaUse): Cell[] => [
  textCell(windowText(t, use), ownerText(t, use)),
  numberCell(use.used),
  numberCell(use.limit),
  stateCell(t, use),
  textCell(t('in {wait}', { wait: t.wait(use.resetsIn) })),
]

/** The quotas of an account, or those that the tokens of a client count for; nothing if there are none. */
export function quotaBlocks(t: ConsoleTranslate, quotas: readonly QuotaUse[]): Block[] {
  if (quotas.length === 0) return []
  const list = listView({
    caption: t('Quotas'),
    columns: [
      { heading: t('Quota') },
      { heading: t('Used'), numeric: true },
      { heading: t('Limit'), numeric: true },
      { heading: t('State') },
      { heading: t('Resets') },
    ],
    rows: quotas.map((use) => rowOf(t, use)),
    empty: { title: '', text: '' },
  })
  const lead = t(
    'Hours and days are those of UTC. Enforced: token requests beyond the quota are refused. Observed: they are served and counted.',
  )
  return [{ part: 'list', heading: t('Quotas'), lead, list }]
}
