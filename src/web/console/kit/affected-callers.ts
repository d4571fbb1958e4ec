import type { AffectedCallers, AffectedClientCaller } from '../../../management/dry-run.ts'
import { type Cell, quietCell, textCell, timeCell } from './cells.ts'
import { listView } from './list-page.ts'
import type { ConfirmOptions } from './panels.ts'

const callerRow = ({ ip, clientName, clientId, api, lastUsedAt }: AffectedClientCaller): Cell[] => [
  textCell(ip),
  textCell(clientName, clientId),
  api === null ? quietCell('no token') : textCell(api),
  timeCell(new Date(lastUsedAt)),
]

/** The callers that an action affects, below the page that asks for it; nothing if there are none. */
export function affectedBy({ callers, hasMoreCallers }: AffectedCallers): Pick<ConfirmOptions, 'affected'> {
  if (callers.length === 0) return {}
  const list = listView({
    caption: 'Affected callers',
    columns: [{ heading: 'IP address' }, { heading: 'Client' }, { heading: 'API' }, { heading: 'Last request' }],
    rows: callers.map(callerRow),
    empty: { title: 'No callers in the last 24 hours', text: 'IP addresses that use a client secret appear here.' },
  })
  const lead = hasMoreCallers ? 'There are more callers than these latest ones.' : undefined
  return { affected: { heading: 'Callers in the last 24 hours', ...(lead && { lead }), list } }
}
