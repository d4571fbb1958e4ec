import type { Application } from '../../../management/application-operations.ts'
import { quietCell, textCell, timeCell } from '../kit/cells.ts'
import { type ListView, listView } from '../kit/list-page.ts'

/** Who called with an application's credentials in the last 24 hours. */
export const recentCallersList = (callers: Application['callers']): ListView =>
  listView({
    caption: 'Callers in the last 24 hours',
    columns: [{ heading: 'IP address' }, { heading: 'API' }, { heading: 'Last request' }],
    rows: callers.map(({ ip, api, lastUsedAt }) => [
      textCell(ip),
      api === null ? quietCell('no token') : textCell(api),
      timeCell(new Date(lastUsedAt)),
    ]),
    empty: { title: 'No callers in the last 24 hours', text: 'IP addresses that use the client secret appear here.' },
  })

/** The same callers below a page that asks before it blocks them; nothing if there are none. */
export const affectedCallers = ({ callers }: Pick<Application, 'callers'>) =>
  callers.length === 0
    ? {}
    : { affected: { heading: 'Callers in the last 24 hours', list: recentCallersList(callers) } }
