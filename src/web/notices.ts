/** What a page says was just done; named in the query, so that nobody else can put words there. */
const NOTICES: ReadonlyMap<unknown, string> = new Map([
  ['signed-out', 'You are signed out.'],
  ['password-changed', 'Your password is changed. Wherever else you were signed in, you are no longer.'],
  ['withdrawn', 'The access is withdrawn.'],
])

export const noticeOf = (name: unknown): string | undefined => NOTICES.get(name)
