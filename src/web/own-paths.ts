/** Below it is what users see and change of their own. */
export const OWN_ACCOUNT = '/account/'

/** Where users see and change how they sign in. */
export const SECURITY_PATH = '/account/security'

/** Where users connect identities at providers; the identities are beside it. */
export const IDENTITIES_PATH = `${SECURITY_PATH}/identities`

export const CONNECT_PATH = `${IDENTITIES_PATH}/connect`

/** Where users who belong to several accounts choose the one that they act in. */
export const SWITCH_ACCOUNT_PATH = '/account/switch'

/** Where users change their own address; the steps are below. */
export const EMAIL_PATH = '/account/email'

/** Where users request a link by which they verify their address. */
export const VERIFICATION_PATH = `${EMAIL_PATH}/verification`
