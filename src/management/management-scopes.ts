export { MANAGEMENT_API } from '../shared/management-api-identifier.ts'

/** What a token for the management API can allow, with what people read of it before they do. */
export const MANAGEMENT_SCOPES = {
  'applications:read': 'See applications, their settings and what they hold',
  'applications:write': 'Register, change, archive and restore applications, and replace their secrets',
  'key_pairs:read': 'See API key pairs, without their secrets',
  'key_pairs:write': 'Generate new API key pairs, which ends the former ones',
  'tokens:read': 'See which tokens are live',
  'tokens:write': 'Revoke tokens',
  'users:read': 'See people, their roles and whether they may sign in',
  'users:write': 'Invite people, change their roles, switch them off and give them new passwords',
  'activity:read': 'See what was done, by whom and from where',
  'accounts:read': 'See accounts',
  'accounts:write': 'Add, rename and switch accounts off and on',
  'apis:read': 'See APIs, their scopes and lifetimes',
  'apis:write': 'Declare and change APIs',
  'instance:read': 'See the settings, figures and signing keys of the whole instance',
  'instance:write': 'Change the settings of the whole instance and rotate its signing keys',
} as const

export type ManagementScope = keyof typeof MANAGEMENT_SCOPES
