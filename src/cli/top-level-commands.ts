import type { Command } from 'commander'

/** A command as `keywright --help` lists it. Its modules are imported when it is called: the server's take a second. */
export interface TopLevelCommand {
  readonly name: string
  readonly description: string
  /** Adds its options, its subcommands and what it does. */
  define(command: Command): Promise<void>
}

export const TOP_LEVEL_COMMANDS: readonly TopLevelCommand[] = [
  {
    name: 'serve',
    description: 'run the server (what npm start does); settings come from the environment, see docs/configuration.md',
    define: async (command) => (await import('./commands/serve-command.ts')).addServeCommand(command),
  },
  {
    name: 'migrate',
    description: "bring the database's schema up to this version",
    define: async (command) => (await import('./commands/migrate-command.ts')).addMigrateCommand(command),
  },
  {
    name: 'bootstrap',
    description: 'the set-up of the first start: keys, an operator, an account with an admin, an API and a key pair',
    define: async (command) => (await import('./commands/bootstrap-command.ts')).addBootstrapCommand(command),
  },
  {
    name: 'docs',
    description: 'write the documents that are made from the code, or with --check say whether they are true',
    define: async (command) => (await import('./commands/docs-command.ts')).addDocsCommand(command),
  },
  {
    name: 'instance',
    description: 'what holds for the whole instance: how its pages look, and whether its API is on',
    define: async (command) => (await import('./commands/instance-commands.ts')).addInstanceCommands(command),
  },
  {
    name: 'account',
    description: 'customer accounts: each sees only what is its own',
    define: async (command) => (await import('./commands/account-commands.ts')).addAccountCommands(command),
  },
  {
    name: 'user',
    description: 'people: operators, and the admins and members of accounts',
    define: async (command) => (await import('./commands/user-commands.ts')).addUserCommands(command),
  },
  {
    name: 'api',
    description: 'APIs: what tokens are for',
    define: async (command) => (await import('./commands/api-commands.ts')).addApiCommands(command),
  },
  {
    name: 'key-pair',
    description: "an admin's own client id and secret",
    define: async (command) => (await import('./commands/key-pair-commands.ts')).addKeyPairCommands(command),
  },
  {
    name: 'client',
    description: "applications, and the settings of any client, key pairs' included",
    define: async (command) => (await import('./commands/client-commands.ts')).addClientCommands(command),
  },
  {
    name: 'token',
    description: 'access tokens that are live',
    define: async (command) => (await import('./commands/token-commands.ts')).addTokenCommands(command),
  },
  {
    name: 'signing-key',
    description: 'the keys that sign tokens',
    define: async (command) => (await import('./commands/signing-key-commands.ts')).addSigningKeyCommands(command),
  },
  {
    name: 'encryption-key',
    description: 'the keys of ENCRYPTION_KEY (docs/operating/encryption-key.md)',
    define: async (command) =>
      (await import('./commands/encryption-key-commands.ts')).addEncryptionKeyCommands(command),
  },
  {
    name: 'audit',
    description: 'the record of who did what',
    define: async (command) => (await import('./commands/audit-commands.ts')).addAuditCommands(command),
  },
]

/** The name of the command that is called, or that `help` is asked about; undefined: none. */
export const calledCommand = (args: readonly string[]): string | undefined =>
  args.find((arg) => !arg.startsWith('-') && arg !== 'help')
