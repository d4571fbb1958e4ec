/** Where users see and change how they sign in. */
export const SECURITY_PATH = '/account/security'

/** Where users change their own address; the steps are below. */
export const EMAIL_PATH = '/account/email'
