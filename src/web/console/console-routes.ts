import { ACCOUNT_PAGES } from './accounts-routes.ts'
import { ACTIVITY_PAGES } from './activity-routes.ts'
import { API_FORM_PAGES } from './api-form-pages.ts'
import { API_PAGES } from './api-pages.ts'
import { API_SECRET_PAGES } from './api-secret-pages.ts'
import { APPLICATION_PAGES } from './application-pages.ts'
import type { ConsoleRoute } from './console-route.ts'
import { INSTANCE_PAGES } from './instance-pages.ts'
import { KEY_PAIR_PAGES } from './key-pair-routes.ts'
import { PEOPLE_PAGES } from './people-routes.ts'
import { SIGNING_KEY_PAGES } from './signing-key-pages.ts'

/** Every page of the console but the start page, which `home.ts` draws by who is looking. */
export const CONSOLE_ROUTES: readonly ConsoleRoute[] = [
  ...APPLICATION_PAGES,
  ...PEOPLE_PAGES,
  ...ACTIVITY_PAGES,
  ...ACCOUNT_PAGES,
  ...KEY_PAIR_PAGES,
  ...API_FORM_PAGES,
  ...API_PAGES,
  ...API_SECRET_PAGES,
  ...INSTANCE_PAGES,
  ...SIGNING_KEY_PAGES,
]
