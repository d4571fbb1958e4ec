import {
  archiveApplication,
  readApplication,
  restoreApplication,
  rotateApplicationSecret,
  updateApplication,
} from '../../../management/application-operations.ts'
import { archiveApplications } from '../../../management/bulk-archive.ts'
import { addApplicationKeys } from '../../../management/client-key-addition.ts'
import { fetchApplicationKeys } from '../../../management/client-key-fetch.ts'
import { listClients } from '../../../management/client-list.ts'
import { addApplicationTrust } from '../../../management/client-trust-addition.ts'
import { updateApplicationTrust } from '../../../management/client-trust-update.ts'
import { deleteApplication } from '../../../management/deletion-operations.ts'
import { createApplication } from '../../../management/new-applications.ts'
import type { RequiredPermission } from '../../../management/operation.ts'
import {
  listGrants,
  listTokens,
  revokeAllOfClient,
  revokeOneGrant,
  revokeOneToken,
} from '../../../management/token-operations.ts'
import { checkWorkloadToken } from '../../../management/workload-token-check.ts'
import type { ConsoleRoute } from '../kit/console-route.ts'
import { askDelete, deleteIt } from './application-deletion-pages.ts'
import { askEdit, editApplication } from './application-edit-pages.ts'
import { exportApplications } from './application-export.ts'
import { askKey, generateKey } from './application-key-page.ts'
import { BULK_ARCHIVE_PATH, showApplications } from './application-list-page.ts'
import { askLogo, changeLogo } from './application-logo-page.ts'
import { askMethod, changeMethod } from './application-method-page.ts'
import { addNewKeys, askNewKeys } from './application-new-keys-page.ts'
import { addNewTrust, askNewTrust } from './application-new-trust-page.ts'
import { showApplication } from './application-page.ts'
import { APPLICATION_SECRETS_PAGES } from './application-secrets-pages.ts'
import { archive, askArchive, askRestore, restore } from './application-status-pages.ts'
import { askTokenCheck, checkToken } from './application-token-check-page.ts'
import { showGrants, showTokens } from './application-token-pages.ts'
import { askTrustEdit, editTrust } from './application-trust-edit-page.ts'
import { showTry, tryApplication } from './application-try-page.ts'
import { archiveSelected } from './bulk-archive-pages.ts'
import { addApplication, askNewApplication } from './new-application-pages.ts'
import { fetchKeysNow } from './published-keys-block.ts'
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

/** A form that may carry files. */
const upload: typeof form = (...given) =>
  form(...given).map((route) => (route.method === 'post' ? { ...route, takesFiles: true } : route))

const ONE = '/applications/:clientId'

/** Applications: registered, changed, given new keys, archived, and what they hold revoked. */
export const APPLICATION_PAGES: readonly ConsoleRoute[] = [
  page('/applications', listClients.permission, showApplications),
  // These three before what would take their last part for a client ID.
  page('/applications/export', listClients.permission, exportApplications),
  { method: 'post', path: BULK_ARCHIVE_PATH, permission: archiveApplications.permission, handle: archiveSelected },
  ...upload('/applications/new', createApplication.permission, askNewApplication, addApplication),
  page(ONE, readApplication.permission, showApplication),
  ...form(`${ONE}/edit`, updateApplication.permission, askEdit, editApplication),
  ...upload(`${ONE}/logo`, updateApplication.permission, askLogo, changeLogo),
  ...upload(`${ONE}/key`, rotateApplicationSecret.permission, askKey, generateKey),
  ...upload(`${ONE}/method`, rotateApplicationSecret.permission, askMethod, changeMethod),
  ...upload(`${ONE}/keys/new`, addApplicationKeys.permission, askNewKeys, addNewKeys),
  { method: 'post', path: `${ONE}/keys/fetch`, permission: fetchApplicationKeys.permission, handle: fetchKeysNow },
  ...form(`${ONE}/trusts/new`, addApplicationTrust.permission, askNewTrust, addNewTrust),
  ...form(`${ONE}/trusts/:secretId/edit`, updateApplicationTrust.permission, askTrustEdit, editTrust),
  ...form(`${ONE}/trusts/check`, checkWorkloadToken.permission, askTokenCheck, checkToken),
  ...form(`${ONE}/archive`, archiveApplication.permission, askArchive, archive),
  ...form(`${ONE}/delete`, deleteApplication.permission, askDelete, deleteIt),
  ...form(`${ONE}/restore`, restoreApplication.permission, askRestore, restore),
  ...APPLICATION_SECRETS_PAGES,
  page(`${ONE}/tokens`, listTokens.permission, showTokens),
  page(`${ONE}/grants`, listGrants.permission, showGrants),
  ...form(`${ONE}/revoke`, revokeAllOfClient.permission, askRevokeAll, revokeAll),
  ...form(`${ONE}/tokens/:jti/revoke`, revokeOneToken.permission, askRevokeToken, revokeToken),
  ...form(`${ONE}/grants/:grantId/revoke`, revokeOneGrant.permission, askRevokeGrant, revokeGrant),
  ...form(`${ONE}/try`, readApplication.permission, showTry, tryApplication),
]
