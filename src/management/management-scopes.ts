export { MANAGEMENT_API } from '../shared/management-api-identifier.ts'

/** The scopes of the management API, with their titles on the consent page. */
export const MANAGEMENT_SCOPES = {
  'applications:read': 'View applications, their settings and tokens',
  'applications:write': 'Register, change, archive and restore applications, and rotate their secrets',
  'key_pairs:read': 'View API key pairs, without their secrets',
  'key_pairs:write': 'Generate API key pairs, which replaces the former ones',
  'tokens:read': 'View active tokens',
  'tokens:write': 'Revoke tokens',
  'users:read': 'View users, their roles and status',
  'users:write': 'Invite users, change their roles, disable them and reset their passwords',
  'activity:read': 'View the activity log',
  'accounts:read': 'View accounts',
  'accounts:write': 'Create, rename, disable and enable accounts',
  'apis:read': 'View APIs, their scopes and lifetimes',
  'apis:write': 'Create and change APIs',
  'instance:read': 'View the settings, usage and signing keys of the whole instance',
  'instance:write': 'Change the settings of the whole instance, and rotate its signing keys',
} as const

export type ManagementScope = keyof typeof MANAGEMENT_SCOPES
