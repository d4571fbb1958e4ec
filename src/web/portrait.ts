import type { WebUser } from './sign-in-directory.ts'

/** A user as pages show them: with a display name and its first letter. */
export function portrait(user: WebUser) {
  const displayName = user.name?.trim() || user.email
  return { ...user, displayName, initial: [...displayName][0]!.toUpperCase(), showEmail: displayName !== user.email }
}
