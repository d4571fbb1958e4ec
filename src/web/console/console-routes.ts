import { ACCOUNT_PAGES } from './accounts/account-pages.ts'
import { ACTIVITY_PAGES } from './activity/activity-pages.ts'
import { API_DELETION_PAGES } from './apis/api-deletion-pages.ts'
import { API_FORM_PAGES } from './apis/api-form-pages.ts'
import { API_PAGES } from './apis/api-pages.ts'
import { API_SECRET_PAGES } from './apis/api-secret-pages.ts'
import { SCOPE_LANGUAGE_PAGES } from './apis/scope-language-pages.ts'
import { APPLICATION_PAGES } from './applications/application-pages.ts'
import { INITIAL_ACCESS_TOKEN_PAGES } from './applications/initial-access-token-pages.ts'
import { sessionPagesOf } from './console-session-pages.ts'
import { INSPECTION_PAGES } from './inspection/inspection-pages.ts'
import { KEY_PAIR_DETAIL_PAGES } from './keys/key-pair-detail-pages.ts'
import { KEY_PAIR_EDIT_PAGES } from './keys/key-pair-edit-pages.ts'
import { KEY_PAIR_PAGES } from './keys/key-pair-pages.ts'
import { NAMED_PAIR_PAGES } from './keys/named-pair-pages.ts'
import { SIGNING_KEY_PAGES } from './keys/signing-key-pages.ts'
import { SIGNING_KEY_REVOCATION_PAGES } from './keys/signing-key-revocation-pages.ts'
import type { ConsoleRoute } from './kit/console-route.ts'
import { LEAK_PAGES } from './leaks/leak-pages.ts'
import { MAIL_PAGES } from './mail/mail-pages.ts'
import { PROVIDER_PAGES } from './providers/provider-pages.ts'
import { REVOCATION_PAGES } from './revocation/revocation-effect-page.ts'
import { INSTANCE_PAGES } from './settings/instance-pages.ts'
import { SOFTWARE_STATEMENT_PAGES } from './settings/software-statement-pages.ts'
import { USAGE_PAGES } from './usage/usage-page.ts'
import { SCIM_TOKEN_PAGES } from './users/scim-token-pages.ts'
import { USER_PAGES } from './users/user-pages.ts'
import { WEBHOOK_PAGES } from './webhooks/webhook-pages.ts'

/** Every page of the console except the start page, which `home-page.ts` shows by the user's role. All are in every language of the console. */
export const CONSOLE_ROUTES: readonly ConsoleRoute[] = [
  ...ACCOUNT_PAGES,
  ...ACTIVITY_PAGES,
  ...API_DELETION_PAGES,
  ...API_FORM_PAGES,
  ...API_PAGES,
  ...API_SECRET_PAGES,
  ...INSPECTION_PAGES,
  ...INSTANCE_PAGES,
  ...LEAK_PAGES,
  ...MAIL_PAGES,
  ...PROVIDER_PAGES,
  ...REVOCATION_PAGES,
  ...SCOPE_LANGUAGE_PAGES,
  ...USAGE_PAGES,
  ...USER_PAGES,
  ...SCIM_TOKEN_PAGES,
  ...INITIAL_ACCESS_TOKEN_PAGES,
  ...SOFTWARE_STATEMENT_PAGES,
  ...APPLICATION_PAGES,
  ...KEY_PAIR_PAGES,
  ...KEY_PAIR_DETAIL_PAGES,
  ...KEY_PAIR_EDIT_PAGES,
  ...NAMED_PAIR_PAGES,
  ...SIGNING_KEY_PAGES,
  ...SIGNING_KEY_REVOCATION_PAGES,
  ...WEBHOOK_PAGES,
].map((route) => ({ ...route, isTranslated: true, sessionPages: sessionPagesOf(route) }))
