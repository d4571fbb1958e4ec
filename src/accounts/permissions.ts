import type { Role } from './user-attributes.ts'

/**
 * Everything that a principal may do: the least role that it requires, and the scope that an access token needs. A role includes
 * the roles before it: member, viewer, developer, admin, operator. Operations, pages, the management API, its document and the
 * table of roles in the documentation read this table.
 */
export const PERMISSIONS = {
  exportOwnData: { role: 'member', scope: 'users:read', text: 'Export one’s own data' },

  viewOverview: { role: 'viewer', scope: 'key_pairs:read', text: 'View the overview of the account' },
  viewApplications: { role: 'viewer', scope: 'applications:read', text: 'View applications and their usage' },
  viewKeyPairs: { role: 'viewer', scope: 'key_pairs:read', text: 'View the key pairs of all users' },
  viewTokens: {
    role: 'viewer',
    scope: 'tokens:read',
    text: 'View active tokens and reported leaks, and inspect tokens',
  },
  viewActivity: { role: 'viewer', scope: 'activity:read', text: 'View and export the activity log' },
  viewWebhooks: { role: 'viewer', scope: 'webhooks:read', text: 'View webhooks and their deliveries' },
  viewAccount: { role: 'viewer', scope: 'accounts:read', text: 'View the account' },
  viewApis: { role: 'viewer', scope: 'apis:read', text: 'View the APIs' },

  viewOwnKeyPairs: { role: 'developer', scope: 'key_pairs:read', text: 'View one’s own key pairs' },
  manageKeyPairs: {
    role: 'developer',
    scope: 'key_pairs:write',
    text: 'Own key pairs: generate, change and stop them; only admins stop those of others',
  },
  manageApplications: {
    role: 'developer',
    scope: 'applications:write',
    text: 'Manage applications and their secrets; only admins those that may call the management API',
  },
  revokeTokens: {
    role: 'developer',
    scope: 'tokens:write',
    text: 'Revoke tokens of applications and of one’s own key pairs; only admins those of others’ key pairs',
  },

  viewUsers: { role: 'admin', scope: 'users:read', text: 'View users, their sessions and data' },
  manageUsers: { role: 'admin', scope: 'users:write', text: 'Invite, change, disable and delete users' },
  revokeTokensOfUsers: { role: 'admin', scope: 'tokens:write', text: 'Revoke all tokens of a user' },
  viewScimTokens: { role: 'admin', scope: 'users:read', text: 'View the SCIM tokens of the account' },
  manageScimTokens: { role: 'admin', scope: 'users:write', text: 'Generate and revoke SCIM tokens' },
  viewInitialAccessTokens: {
    role: 'admin',
    scope: 'applications:read',
    text: 'View the initial access tokens of the account, with which applications register themselves',
  },
  manageInitialAccessTokens: {
    role: 'admin',
    scope: 'applications:write',
    text: 'Generate and revoke initial access tokens',
  },
  dismissLeaks: { role: 'admin', scope: 'tokens:write', text: 'Dismiss reported leaks' },
  reportLeaks: { role: 'admin', scope: 'leaks:report', text: 'Report leaked credentials' },
  manageWebhooks: { role: 'admin', scope: 'webhooks:write', text: 'Manage webhooks' },

  viewIdentityProviders: {
    role: 'admin',
    scope: 'identity_providers:read',
    text: 'View the identity providers of the account',
  },
  manageIdentityProviders: {
    role: 'admin',
    scope: 'identity_providers:write',
    text: 'Manage the identity providers of the account, through which its users sign in',
    recentSignIn: true,
  },

  findUsers: { role: 'operator', scope: 'users:read', text: 'Find users by address in all accounts' },
  addMemberships: { role: 'operator', scope: 'users:write', text: 'Add users to further accounts' },
  upsertUsers: { role: 'operator', scope: 'users:write', text: 'Create and update users by external ID' },
  createConsoleSessions: {
    role: 'operator',
    scope: 'console_sessions:create',
    text: 'Create console sessions of users, and these users; only services, not people',
  },
  answerSignIns: {
    role: 'operator',
    scope: 'sign_ins:answer',
    text: 'Accept and reject sign-ins at the product of the operator; only services, not people',
  },
  viewClients: { role: 'operator', scope: 'applications:read', text: 'View clients of every kind' },
  revokeAnyToken: { role: 'operator', scope: 'tokens:write', text: 'Revoke a token of any client' },
  viewAccounts: { role: 'operator', scope: 'accounts:read', text: 'View all accounts' },
  manageAccounts: { role: 'operator', scope: 'accounts:write', text: 'Manage accounts' },
  inspectApis: { role: 'operator', scope: 'apis:read', text: 'View the credentials and settings of APIs' },
  manageApis: { role: 'operator', scope: 'apis:write', text: 'Manage APIs' },
  viewInstance: { role: 'operator', scope: 'instance:read', text: 'View the settings and usage of the instance' },
  manageInstance: {
    role: 'operator',
    scope: 'instance:write',
    text: 'Change the settings and signing keys of the instance',
  },
} as const satisfies Readonly<
  Record<string, { readonly role: Role; readonly scope: string; readonly text: string; readonly recentSignIn?: true }>
>

const RANK: Readonly<Record<Role, number>> = { member: 0, viewer: 1, developer: 2, admin: 3, operator: 4 }

/** Whether a role includes what requires at least another one. */
export const includesRole = (role: Role, least: Role): boolean => RANK[role] >= RANK[least]

/** Whether a principal has a permission; `scopes` null: the role alone decides. */
export const hasPermission = (
  { role, scopes }: { readonly role: Role; readonly scopes: ReadonlySet<string> | null },
  permission: { readonly role: Role; readonly scope: string },
): boolean => includesRole(role, permission.role) && (!scopes || scopes.has(permission.scope))

/** Whether users with this role own key pairs. Operators belong to no account. */
export const mayOwnKeyPairs = (role: Role): boolean =>
  role !== 'operator' && includesRole(role, PERMISSIONS.manageKeyPairs.role)

/** The scopes that a principal with this role can use. */
export const usableScopes = (role: Role): ReadonlySet<string> =>
  new Set(
    Object.values(PERMISSIONS)
      .filter((permission) => includesRole(role, permission.role))
      .map(({ scope }) => scope),
  )
