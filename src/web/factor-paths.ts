import { SECURITY_PATH } from './own-paths.ts'

export const APPS_PATH = `${SECURITY_PATH}/apps`

export const PASSKEYS_PATH = `${SECURITY_PATH}/passkeys`

export const CODES_PATH = `${SECURITY_PATH}/recovery-codes`

/** @param path of the factors of its kind */
export const removalPath = (path: string, id: string): string => `${path}/${id}/remove`
