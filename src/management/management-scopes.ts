import { usableScopes } from '../accounts/permissions.ts'
import type { Role } from '../accounts/user-attributes.ts'
import { MANAGEMENT_API } from '../shared/management-api-identifier.ts'

export { MANAGEMENT_API }

/** The scopes of the management API, with their titles on the consent page. */
export const MANAGEMENT_SCOPES = {
  'applications:read': 'View applications, their settings and tokens',
  'applications:write': 'Register, change, archive, restore and delete applications, and rotate their secrets',
  'key_pairs:read': 'View API key pairs, without their secrets',
  'key_pairs:write': 'Generate API key pairs, which replaces the former ones',
  'tokens:read': 'View active tokens',
  'tokens:write': 'Revoke tokens',
  'leaks:report': 'Report leaked client secrets, API keys and tokens, which revokes them',
  'users:read': 'View users, their roles and status',
  'users:write': 'Invite users, change their roles, disable and delete them, and reset their passwords',
  'console_sessions:create': 'Open the console for users without their sign-in, and create these users',
  'sign_ins:answer': 'Accept sign-ins at your product for users, and create these users',
  'activity:read': 'View the activity log',
  'webhooks:read': 'View webhooks and their deliveries, without their secrets',
  'webhooks:write': 'Create, change, disable and delete webhooks, rotate their secrets and resend events',
  'identity_providers:read': 'View identity providers, without their secrets',
  'identity_providers:write': 'Manage identity providers, which decide who signs in',
  'accounts:read': 'View accounts',
  'accounts:write': 'Create, rename, disable, enable and delete accounts',
  'apis:read': 'View APIs, their scopes and lifetimes',
  'apis:write': 'Create, change and delete APIs',
  'instance:read': 'View the settings, usage and signing keys of the whole instance',
  'instance:write': 'Change the settings of the whole instance, and rotate its signing keys',
} as const

export type ManagementScope = keyof typeof MANAGEMENT_SCOPES

/** The API as a user with this role sees it: without the scopes of the management API that their tokens could not use. */
export function visibleApi<
  Api extends { readonly identifier: string; readonly scopes: readonly (string | { scope: string })[] },
>(api: Api, { role }: { readonly role: Role }): Api {
  if (role === 'operator' || api.identifier !== MANAGEMENT_API) return api
  const nameOf = (one: string | { scope: string }) => (typeof one === 'string' ? one : one.scope)
  const usable = usableScopes(role)
  return { ...api, scopes: api.scopes.filter((one) => usable.has(nameOf(one))) }
}
