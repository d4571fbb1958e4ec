import type { ApiRoute } from './route.ts'
import { ACCOUNT_ROUTES } from './routes/account-routes.ts'
import { ACTIVITY_ROUTES } from './routes/activity-routes.ts'
import { API_DECLARATION_ROUTES } from './routes/api-declaration-routes.ts'
import { APPLICATION_ROUTES } from './routes/application-routes.ts'
import { INSTANCE_ROUTES } from './routes/instance-routes.ts'
import { KEY_PAIR_ROUTES } from './routes/key-pair-routes.ts'
import { ME_ROUTES } from './routes/me-routes.ts'
import { OVERVIEW_ROUTES } from './routes/overview-routes.ts'
import { SIGNING_KEY_ROUTES } from './routes/signing-key-routes.ts'
import { TOKEN_ROUTES } from './routes/token-routes.ts'
import { USER_ROUTES } from './routes/user-routes.ts'

/** Every route of the management API, in the order of the OpenAPI document. */
export const API_ROUTES: readonly ApiRoute[] = [
  ...ME_ROUTES,
  ...OVERVIEW_ROUTES,
  ...KEY_PAIR_ROUTES,
  ...APPLICATION_ROUTES,
  ...TOKEN_ROUTES,
  ...USER_ROUTES,
  ...ACTIVITY_ROUTES,
  ...ACCOUNT_ROUTES,
  ...API_DECLARATION_ROUTES,
  ...INSTANCE_ROUTES,
  ...SIGNING_KEY_ROUTES,
]
