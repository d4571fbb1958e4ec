import type { ConsoleTranslate } from '../../../languages/console/console-translator.ts'
import type { AffectedCallers, AffectedClientCaller } from '../../../management/dry-run.ts'
import { type Cell, quietCell, textCell, timeCell } from './cells.ts'
import { clientName } from './display-name.ts'
import { listView } from './list-page.ts'
import type { ConfirmOptions } from './panels.ts'

const callerRow = (
  t: ConsoleTranslate,
  { ip, clientName: name, clientId, api, lastUsedAt }: AffectedClientCaller,
): Cell[] => [
  textCell(ip),
  textCell(clientName(t, { kind: 'key_pair', name }), clientId),
  api === null ? quietCell(t('no token')) : textCell(api),
  timeCell(new Date(lastUsedAt)),
]

/** The callers that an action affects, below the page that asks for it; nothing if there are none. */
export function affectedBy(
  t: ConsoleTranslate,
  { callers, hasMoreCallers }: AffectedCallers,
): Pick<ConfirmOptions, 'affected'> {
  if (callers.length === 0) return {}
  const list = listView({
    caption: t('Affected callers'),
    columns: [
      { heading: t('IP address') },
      { heading: t('Client') },
      { heading: t('API') },
      { heading: t('Last request') },
    ],
    rows: callers.map((caller) => callerRow(t, caller)),
    empty: {
      title: t('No callers in the last 24 hours'),
      text: t('IP addresses that use a client secret appear here.'),
    },
  })
  const lead = hasMoreCallers ? t('There are more callers than these latest ones.') : undefined
  return { affected: { heading: t('Callers in the last 24 hours'), ...(lead && { lead }), list } }
}
