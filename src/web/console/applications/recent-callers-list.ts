import type { ConsoleTranslate } from '../../../languages/console/console-translator.ts'
import type { Application } from '../../../management/application-operations.ts'
import { quietCell, textCell, timeCell } from '../kit/cells.ts'
import { type ListView, listView } from '../kit/list-page.ts'

/** Who called with an application's credentials in the last 24 hours. */
export const recentCallersList = (t: ConsoleTranslate, callers: Application['callers']): ListView =>
  listView({
    caption: t('Callers in the last 24 hours'),
    columns: [{ heading: t('IP address') }, { heading: t('API') }, { heading: t('Last request') }],
    rows: callers.map(({ ip, api, lastUsedAt }) => [
      textCell(ip),
      api === null ? quietCell(t('no token')) : textCell(api),
      timeCell(new Date(lastUsedAt)),
    ]),
    empty: {
      title: t('No callers in the last 24 hours'),
      text: t('IP addresses that use the client secret appear here.'),
    },
  })

/** The same callers below a page that asks before it blocks them; nothing if there are none. */
export const affectedCallers = (t: ConsoleTranslate, { callers }: Pick<Application, 'callers'>) =>
  callers.length === 0
    ? {}
    : { affected: { heading: t('Callers in the last 24 hours'), list: recentCallersList(t, callers) } }
