/** What a page says was just done; named in the query, so that nobody else can put words there. */
export const NOTICES: Readonly<Record<string, string>> = {
  'signed-out': 'You have been signed out.',
  'password-changed': 'Password changed. You have been signed out of all other sessions.',
  'password-saved': 'Password saved. Sign in with your new password.',
  withdrawn: 'Access revoked.',
}

export const noticeOf = (name: unknown, notices = NOTICES): string | undefined =>
  typeof name === 'string' && Object.hasOwn(notices, name) ? notices[name] : undefined
