import { SWITCH_ACCOUNT_PATH } from './own-paths.ts'
import type { SignedInUser, WebUser } from './sign-in-directory.ts'

/** A user as pages show them: with a display name, its first letter, and where they switch to another account. */
export function portrait(user: WebUser & Partial<Pick<SignedInUser, 'hasOtherAccounts' | 'isAccountFixed'>>) {
  const displayName = user.name?.trim() || user.email
  const switchPath = user.hasOtherAccounts && !user.isAccountFixed ? SWITCH_ACCOUNT_PATH : undefined
  return {
    ...user,
    switchPath,
    displayName,
    initial: [...displayName][0]!.toUpperCase(),
    showEmail: displayName !== user.email,
  }
}
