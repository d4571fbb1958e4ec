/** What a page says was just done; named in the query, so that nobody else can put words there. */
export const NOTICES: Readonly<Record<string, string>> = {
  'signed-out': 'You are signed out.',
  'password-changed': 'Your password is changed. Wherever else you were signed in, you are no longer.',
  withdrawn: 'The access is withdrawn.',
}

export const noticeOf = (name: unknown, notices = NOTICES): string | undefined =>
  typeof name === 'string' && Object.hasOwn(notices, name) ? notices[name] : undefined
