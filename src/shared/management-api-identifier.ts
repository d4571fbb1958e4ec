/** The audience of the tokens that open the management API: Keywright as an API of its own. */
export const MANAGEMENT_API = 'urn:keywright:management'
