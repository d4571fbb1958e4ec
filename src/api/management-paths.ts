/** The prefix of every path of the management API. */
export const API_ROOT = '/api/v1'

/** The page of the API reference, which `src/web` serves. */
const DOCS_PAGE = `${API_ROOT}/docs`

/** Whether the management API serves a path: every path below its prefix except the page of the API reference. */
export const isManagementPath = (path: string): boolean =>
  (path === API_ROOT || path.startsWith(`${API_ROOT}/`)) && path !== DOCS_PAGE && path !== `${DOCS_PAGE}/`
