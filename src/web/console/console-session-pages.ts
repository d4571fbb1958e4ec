import { CONSOLE_SESSION_PAGES, type ConsoleSessionPage } from '../../clients/console-session-tickets.ts'
import { ACTIVITY_PAGES } from './activity/activity-pages.ts'
import { APPLICATION_PAGES } from './applications/application-pages.ts'
import { INSPECTION_PAGES } from './inspection/inspection-pages.ts'
import { KEY_PAIR_DETAIL_PAGES } from './keys/key-pair-detail-pages.ts'
import { KEY_PAIR_EDIT_PAGES } from './keys/key-pair-edit-pages.ts'
import { KEY_PAIR_PAGES } from './keys/key-pair-pages.ts'
import { NAMED_PAIR_PAGES } from './keys/named-pair-pages.ts'
import type { ConsoleRoute } from './kit/console-route.ts'
import { REVOCATION_PAGES } from './revocation/revocation-effect-page.ts'
import { USAGE_PAGES } from './usage/usage-page.ts'
import { WEBHOOK_PAGES } from './webhooks/webhook-pages.ts'

const ROUTES: Readonly<Record<ConsoleSessionPage, readonly ConsoleRoute[]>> = {
  keys: [...KEY_PAIR_PAGES, ...KEY_PAIR_DETAIL_PAGES, ...KEY_PAIR_EDIT_PAGES, ...NAMED_PAIR_PAGES, ...REVOCATION_PAGES],
  applications: [...APPLICATION_PAGES, ...REVOCATION_PAGES],
  usage: USAGE_PAGES,
  activity: ACTIVITY_PAGES,
  webhooks: WEBHOOK_PAGES,
  inspect: INSPECTION_PAGES,
}

const nameOf = ({ method, path }: Pick<ConsoleRoute, 'method' | 'path'>): string => `${method} ${path}`

const PAGES_OF_ROUTES = Map.groupBy(
  CONSOLE_SESSION_PAGES.flatMap((page) => ROUTES[page].map((route) => ({ page, route: nameOf(route) }))),
  ({ route }) => route,
)

/** The areas that have a page. Absent from the list of a session, none of its pages can be opened. */
export const sessionPagesOf = (route: Pick<ConsoleRoute, 'method' | 'path'>): readonly ConsoleSessionPage[] =>
  (PAGES_OF_ROUTES.get(nameOf(route)) ?? []).map(({ page }) => page)
