/** The prefix of every path of the management API. */
export const API_ROOT = '/api/v1'

/** The page of the API reference, which `src/web` serves. */
const DOCS_PAGE = `${API_ROOT}/docs`

/** The prefix of every path of SCIM (RFC 7644). */
export const SCIM_ROOT = '/scim/v2'

export const isScimPath = (path: string): boolean => path === SCIM_ROOT || path.startsWith(`${SCIM_ROOT}/`)

/** draft-parecki-oauth-global-token-revocation. */
export const GLOBAL_TOKEN_REVOCATION_PATH = '/oauth2/global-token-revocation'

/** The registration endpoint (RFC 7591); a client configuration endpoint (RFC 7592) is below it. */
export const REGISTRATION_PATH = '/oauth2/register'

export const isRegistrationPath = (path: string): boolean =>
  path === REGISTRATION_PATH || path.startsWith(`${REGISTRATION_PATH}/`)

/** Whether the management API serves a path: every path below its prefix except the page of the API reference. */
export const isManagementPath = (path: string): boolean =>
  (path === API_ROOT || path.startsWith(`${API_ROOT}/`)) && path !== DOCS_PAGE && path !== `${DOCS_PAGE}/`
