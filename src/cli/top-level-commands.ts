import type { TopLevelCommand } from './top-level-command.ts'

export const TOP_LEVEL_COMMANDS: readonly TopLevelCommand[] = [
  {
    name: 'serve',
    description: 'Start the server; environment variables configure it (docs/configuration.md)',
    define: async (command) => (await import('./commands/serve-command.ts')).addServeCommand(command),
  },
  {
    name: 'migrate',
    description: 'Migrate the database schema to this version',
    define: async (command) => (await import('./commands/migrate-command.ts')).addMigrateCommand(command),
  },
  {
    name: 'bootstrap',
    description: 'Set up an empty database: signing keys, an operator, an account with an admin, an API and a key pair',
    define: async (command) => (await import('./commands/bootstrap-command.ts')).addBootstrapCommand(command),
  },
  {
    name: 'docs',
    description: 'Generate the documents that come from the code, or check that they are up to date',
    define: async (command, all) => (await import('./commands/docs-command.ts')).addDocsCommand(command, all),
  },
  {
    name: 'instance',
    description: 'Show and update the settings of the whole instance',
    define: async (command) => (await import('./commands/instance-commands.ts')).addInstanceCommands(command),
  },
  {
    name: 'account',
    description: 'Manage customer accounts',
    define: async (command) => (await import('./commands/account-commands.ts')).addAccountCommands(command),
  },
  {
    name: 'user',
    description: 'Manage operators, and the admins and members of accounts',
    define: async (command) => (await import('./commands/user-commands.ts')).addUserCommands(command),
  },
  {
    name: 'membership',
    description: 'Manage the accounts that users belong to',
    define: async (command) => (await import('./commands/membership-commands.ts')).addMembershipCommands(command),
  },
  {
    name: 'api',
    description: 'Manage APIs (resource servers), their scopes and token settings',
    define: async (command) => (await import('./commands/api-commands.ts')).addApiCommands(command),
  },
  {
    name: 'key-pair',
    description: 'Generate key pairs of admins',
    define: async (command) => (await import('./commands/key-pair-commands.ts')).addKeyPairCommands(command),
  },
  {
    name: 'client',
    description: 'Manage applications, and the settings of key pairs',
    define: async (command) => (await import('./commands/client-commands.ts')).addClientCommands(command),
  },
  {
    name: 'token',
    description: 'List and revoke access tokens',
    define: async (command) => (await import('./commands/token-commands.ts')).addTokenCommands(command),
  },
  {
    name: 'inspect',
    description: 'Find a token, client secret, client or user, and tell whether it works',
    define: async (command) => (await import('./commands/inspect-command.ts')).addInspectCommand(command),
  },
  {
    name: 'signing-key',
    description: 'List and rotate the keys that sign tokens',
    define: async (command) => (await import('./commands/signing-key-commands.ts')).addSigningKeyCommands(command),
  },
  {
    name: 'encryption-key',
    description: 'List and rotate the keys of ENCRYPTION_KEY (docs/operating/encryption-key.md)',
    define: async (command) =>
      (await import('./commands/encryption-key-commands.ts')).addEncryptionKeyCommands(command),
  },
  {
    name: 'usage',
    description: 'Export the usage of clients',
    define: async (command) => (await import('./commands/usage-commands.ts')).addUsageCommands(command),
  },
  {
    name: 'webhook',
    description: 'Manage webhooks, which send the events of the activity log to other systems',
    define: async (command) => (await import('./commands/webhook-commands.ts')).addWebhookCommands(command),
  },
  {
    name: 'identity-provider',
    description: 'Manage OpenID providers through which users sign in',
    define: async (command) =>
      (await import('./commands/identity-provider-commands.ts')).addIdentityProviderCommands(command),
  },
  {
    name: 'scim-token',
    description: 'Generate and revoke the tokens by which the identity provider of an account manages its users',
    define: async (command) => (await import('./commands/scim-token-commands.ts')).addScimTokenCommands(command),
  },
  {
    name: 'initial-access-token',
    description: 'Generate and revoke the tokens with which applications of an account register themselves',
    define: async (command) =>
      (await import('./commands/initial-access-token-commands.ts')).addInitialAccessTokenCommands(command),
  },
  {
    name: 'software-statement-issuer',
    description: 'Trust issuers of software statements, with which applications register themselves',
    define: async (command) =>
      (await import('./commands/software-statement-issuer-commands.ts')).addSoftwareStatementIssuerCommands(command),
  },
  {
    name: 'audit',
    description: 'Verify and export the activity log',
    define: async (command) => (await import('./commands/audit-commands.ts')).addAuditCommands(command),
  },
]

/** The name of the command that is called or that `help` names; undefined if none is named. */
export const calledCommand = (args: readonly string[]): string | undefined =>
  args.find((arg) => !arg.startsWith('-') && arg !== 'help')
