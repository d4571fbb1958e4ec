import type { ApiRoute } from './route.ts'
import { ACCOUNT_ROUTES } from './routes/accounts.ts'
import { ACTIVITY_ROUTES } from './routes/activity.ts'
import { API_DECLARATION_ROUTES } from './routes/apis.ts'
import { APPLICATION_ROUTES } from './routes/applications.ts'
import { INSTANCE_ROUTES } from './routes/instance.ts'
import { KEY_PAIR_ROUTES } from './routes/key-pairs.ts'
import { ME_ROUTES } from './routes/me.ts'
import { OVERVIEW_ROUTES } from './routes/overview.ts'
import { PEOPLE_ROUTES } from './routes/people.ts'
import { SIGNING_KEY_ROUTES } from './routes/signing-keys.ts'
import { TOKEN_ROUTES } from './routes/tokens.ts'

/** All that the management API answers; whatever walks its routes walks these. */
export const API_ROUTES: readonly ApiRoute[] = [
  ...ME_ROUTES,
  ...OVERVIEW_ROUTES,
  ...KEY_PAIR_ROUTES,
  ...APPLICATION_ROUTES,
  ...TOKEN_ROUTES,
  ...PEOPLE_ROUTES,
  ...ACTIVITY_ROUTES,
  ...ACCOUNT_ROUTES,
  ...API_DECLARATION_ROUTES,
  ...INSTANCE_ROUTES,
  ...SIGNING_KEY_ROUTES,
]
