/** Where a person who has a user answers an invitation to an account. */
export const INVITATION_PATH = '/invitation'

/** @param token of a link or of a one-time password, or the ID of an invitation that the user sees on their own pages */
export const invitationPath = (token: string): string => `${INVITATION_PATH}?token=${encodeURIComponent(token)}`
