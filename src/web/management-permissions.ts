import type { MessageKey } from '../languages/translator.ts'
import type { ManagementScope } from '../management/management-scopes.ts'

/** What the consent page says of the scopes of the management API, in every language. */
export const MANAGEMENT_PERMISSIONS: Readonly<Record<ManagementScope, MessageKey>> = {
  'applications:read': 'managementScope.applicationsRead',
  'applications:write': 'managementScope.applicationsWrite',
  'key_pairs:read': 'managementScope.keyPairsRead',
  'key_pairs:write': 'managementScope.keyPairsWrite',
  'tokens:read': 'managementScope.tokensRead',
  'tokens:write': 'managementScope.tokensWrite',
  'leaks:report': 'managementScope.leaksReport',
  'users:read': 'managementScope.usersRead',
  'users:write': 'managementScope.usersWrite',
  'console_sessions:create': 'managementScope.consoleSessionsCreate',
  'sign_ins:answer': 'managementScope.signInsAnswer',
  'activity:read': 'managementScope.activityRead',
  'webhooks:read': 'managementScope.webhooksRead',
  'webhooks:write': 'managementScope.webhooksWrite',
  'identity_providers:read': 'managementScope.identityProvidersRead',
  'identity_providers:write': 'managementScope.identityProvidersWrite',
  'accounts:read': 'managementScope.accountsRead',
  'accounts:write': 'managementScope.accountsWrite',
  'apis:read': 'managementScope.apisRead',
  'apis:write': 'managementScope.apisWrite',
  'instance:read': 'managementScope.instanceRead',
  'instance:write': 'managementScope.instanceWrite',
}
