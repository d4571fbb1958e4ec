import type { ApiRoute } from './route.ts'
import { ACCOUNT_ROUTES } from './routes/account-routes.ts'
import { ACTIVITY_ROUTES } from './routes/activity-routes.ts'
import { API_DECLARATION_ROUTES } from './routes/api-declaration-routes.ts'
import { API_SECRET_ROUTES } from './routes/api-secret-routes.ts'
import { APPLICATION_ROUTES } from './routes/application-routes.ts'
import { APPLICATION_SECRET_ROUTES } from './routes/application-secret-routes.ts'
import { CLIENT_ROUTES } from './routes/client-routes.ts'
import { CLIENT_USAGE_ROUTES } from './routes/client-usage-routes.ts'
import { CONSOLE_SESSION_ROUTES } from './routes/console-session-routes.ts'
import { DELETION_ROUTES } from './routes/deletion-routes.ts'
import { EMAIL_DOMAIN_ROUTES } from './routes/email-domain-routes.ts'
import { EXTERNAL_ID_ROUTES } from './routes/external-id-routes.ts'
import { IDENTITY_PROVIDER_ROUTES } from './routes/identity-provider-routes.ts'
import { INITIAL_ACCESS_TOKEN_ROUTES } from './routes/initial-access-token-routes.ts'
import { INSPECTION_ROUTES } from './routes/inspection-routes.ts'
import { INSTANCE_ROUTES } from './routes/instance-routes.ts'
import { KEY_PAIR_ROUTES } from './routes/key-pair-routes.ts'
import { LEAK_REPORT_ROUTES } from './routes/leak-report-routes.ts'
import { MAIL_ROUTES } from './routes/mail-routes.ts'
import { ME_ROUTES } from './routes/me-routes.ts'
import { OFFBOARDING_ROUTES } from './routes/offboarding-routes.ts'
import { OVERVIEW_ROUTES } from './routes/overview-routes.ts'
import { REVOCATION_EFFECT_ROUTES } from './routes/revocation-effect-routes.ts'
import { SCIM_TOKEN_ROUTES } from './routes/scim-token-routes.ts'
import { SIGN_IN_CHALLENGE_ROUTES } from './routes/sign-in-challenge-routes.ts'
import { SIGNING_KEY_ROUTES } from './routes/signing-key-routes.ts'
import { SOFTWARE_STATEMENT_ISSUER_ROUTES } from './routes/software-statement-issuer-routes.ts'
import { TOKEN_ROUTES } from './routes/token-routes.ts'
import { USER_IDENTITY_ROUTES } from './routes/user-identity-routes.ts'
import { USER_MEMBERSHIP_ROUTES } from './routes/user-membership-routes.ts'
import { USER_ROUTES } from './routes/user-routes.ts'
import { USER_SESSION_ROUTES } from './routes/user-session-routes.ts'
import { WEBHOOK_DELIVERY_ROUTES } from './routes/webhook-delivery-routes.ts'
import { WEBHOOK_ROUTES } from './routes/webhook-routes.ts'
import { WORKLOAD_TOKEN_ROUTES } from './routes/workload-token-routes.ts'

/** Every route of the management API, in the order of the OpenAPI document. */
export const API_ROUTES: readonly ApiRoute[] = [
  ...ME_ROUTES,
  ...OVERVIEW_ROUTES,
  ...KEY_PAIR_ROUTES,
  ...CLIENT_ROUTES,
  ...APPLICATION_ROUTES,
  ...APPLICATION_SECRET_ROUTES,
  ...WORKLOAD_TOKEN_ROUTES,
  ...TOKEN_ROUTES,
  ...INSPECTION_ROUTES,
  ...LEAK_REPORT_ROUTES,
  ...CLIENT_USAGE_ROUTES,
  ...REVOCATION_EFFECT_ROUTES,
  ...OFFBOARDING_ROUTES,
  ...USER_ROUTES,
  ...USER_SESSION_ROUTES,
  ...USER_MEMBERSHIP_ROUTES,
  ...USER_IDENTITY_ROUTES,
  ...SCIM_TOKEN_ROUTES,
  ...INITIAL_ACCESS_TOKEN_ROUTES,
  ...SOFTWARE_STATEMENT_ISSUER_ROUTES,
  ...ACTIVITY_ROUTES,
  ...WEBHOOK_ROUTES,
  ...WEBHOOK_DELIVERY_ROUTES,
  ...IDENTITY_PROVIDER_ROUTES,
  ...EMAIL_DOMAIN_ROUTES,
  ...ACCOUNT_ROUTES,
  ...EXTERNAL_ID_ROUTES,
  ...CONSOLE_SESSION_ROUTES,
  ...SIGN_IN_CHALLENGE_ROUTES,
  ...DELETION_ROUTES,
  ...API_DECLARATION_ROUTES,
  ...API_SECRET_ROUTES,
  ...INSTANCE_ROUTES,
  ...SIGNING_KEY_ROUTES,
  ...MAIL_ROUTES,
]
