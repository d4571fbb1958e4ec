import {
  archiveApplication,
  listApplications,
  readApplication,
  restoreApplication,
  retireApplicationSecret,
  rotateApplicationSecret,
  updateApplication,
} from '../../../management/application-operations.ts'
import { createApplication } from '../../../management/new-applications.ts'
import type { Need } from '../../../management/operation.ts'
import {
  listGrants,
  listTokens,
  revokeAllOfClient,
  revokeOneGrant,
  revokeOneToken,
} from '../../../management/token-operations.ts'
import type { ConsoleRoute } from '../kit/console-route.ts'
import { addApplication, askEdit, askNewApplication, editApplication } from './application-edit-pages.ts'
import { askKey, generateKey } from './application-key-page.ts'
import { showApplications } from './application-list-page.ts'
import { showApplication } from './application-page.ts'
import { archive, askArchive, askRestore, restore } from './application-status-pages.ts'
import { showGrants, showTokens } from './application-token-pages.ts'
import { showTry, tryApplication } from './application-try-page.ts'
import { askRetirement, retire } from './secret-retirement-pages.ts'
import {
  askRevokeAll,
  askRevokeGrant,
  askRevokeToken,
  revokeAll,
  revokeGrant,
  revokeToken,
} from './token-revocation-pages.ts'

type Handle = ConsoleRoute['handle']

const page = (path: string, need: Need, handle: Handle): ConsoleRoute => ({ method: 'get', path, need, handle })

/** A page with what its form does. */
const form = (path: string, need: Need, ask: Handle, act: Handle): ConsoleRoute[] => [
  page(path, need, ask),
  { method: 'post', path, need, handle: act },
]

const ONE = '/applications/:clientId'

/** Applications: registered, changed, given new keys, archived, and what they hold revoked. */
export const APPLICATION_PAGES: readonly ConsoleRoute[] = [
  page('/applications', listApplications.need, showApplications),
  // Before what would take `new` for a client id.
  ...form('/applications/new', createApplication.need, askNewApplication, addApplication),
  page(ONE, readApplication.need, showApplication),
  ...form(`${ONE}/edit`, updateApplication.need, askEdit, editApplication),
  ...form(`${ONE}/key`, rotateApplicationSecret.need, askKey, generateKey),
  ...form(`${ONE}/archive`, archiveApplication.need, askArchive, archive),
  ...form(`${ONE}/restore`, restoreApplication.need, askRestore, restore),
  ...form(`${ONE}/secrets/:secretId/retire`, retireApplicationSecret.need, askRetirement, retire),
  page(`${ONE}/tokens`, listTokens.need, showTokens),
  page(`${ONE}/grants`, listGrants.need, showGrants),
  ...form(`${ONE}/revoke`, revokeAllOfClient.need, askRevokeAll, revokeAll),
  ...form(`${ONE}/tokens/:jti/revoke`, revokeOneToken.need, askRevokeToken, revokeToken),
  ...form(`${ONE}/grants/:grantId/revoke`, revokeOneGrant.need, askRevokeGrant, revokeGrant),
  ...form(`${ONE}/try`, readApplication.need, showTry, tryApplication),
]
