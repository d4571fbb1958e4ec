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
import type { RequiredPermission } from '../../../management/operation.ts'
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

const page = (path: string, permission: RequiredPermission, handle: Handle): ConsoleRoute => ({
  method: 'get',
  path,
  permission,
  handle,
})

/** A page with what its form does. */
const form = (path: string, permission: RequiredPermission, ask: Handle, submit: Handle): ConsoleRoute[] => [
  page(path, permission, ask),
  { method: 'post', path, permission, handle: submit },
]

const ONE = '/applications/:clientId'

/** Applications: registered, changed, given new keys, archived, and what they hold revoked. */
export const APPLICATION_PAGES: readonly ConsoleRoute[] = [
  page('/applications', listApplications.permission, showApplications),
  // Before what would take `new` for a client ID.
  ...form('/applications/new', createApplication.permission, askNewApplication, addApplication),
  page(ONE, readApplication.permission, showApplication),
  ...form(`${ONE}/edit`, updateApplication.permission, askEdit, editApplication),
  ...form(`${ONE}/key`, rotateApplicationSecret.permission, askKey, generateKey),
  ...form(`${ONE}/archive`, archiveApplication.permission, askArchive, archive),
  ...form(`${ONE}/restore`, restoreApplication.permission, askRestore, restore),
  ...form(`${ONE}/secrets/:secretId/retire`, retireApplicationSecret.permission, askRetirement, retire),
  page(`${ONE}/tokens`, listTokens.permission, showTokens),
  page(`${ONE}/grants`, listGrants.permission, showGrants),
  ...form(`${ONE}/revoke`, revokeAllOfClient.permission, askRevokeAll, revokeAll),
  ...form(`${ONE}/tokens/:jti/revoke`, revokeOneToken.permission, askRevokeToken, revokeToken),
  ...form(`${ONE}/grants/:grantId/revoke`, revokeOneGrant.permission, askRevokeGrant, revokeGrant),
  ...form(`${ONE}/try`, readApplication.permission, showTry, tryApplication),
]
