import type { Role } from '../accounts/user-attributes.ts'
import { includesRole, PERMISSIONS } from './permissions.ts'

const COLUMNS: readonly (readonly [Role, string])[] = [
  ['member', 'Member'],
  ['viewer', 'Viewer'],
  ['developer', 'Developer'],
  ['admin', 'Admin'],
  ['operator', 'Operator'],
]

const row = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`

const permissionRow = ({ role, scope, text }: (typeof PERMISSIONS)[keyof typeof PERMISSIONS]): string =>
  row([text, `\`${scope}\``, ...COLUMNS.map(([one]) => (includesRole(one, role) ? 'yes' : ''))])

/** The documentation of the roles, from the table of permissions. */
export const documentRoles = (): string => `# Roles

Generated from \`src/accounts/permissions.ts\`: run \`npm run docs\` after a change.

A user has one role in an account. An **operator** belongs to no account and manages the instance. Everybody signs in to applications, and
manages their own password, second factors, sessions and connected applications.

- A **member** does nothing else.
- A **viewer** also sees what the account has: its applications, key pairs, tokens, usage, webhooks and activity.
- A **developer** also has key pairs, and manages applications.
- An **admin** also manages users and webhooks.

In the management API, an access token also needs the scope. A token for a user, and a token of a key pair, has at most the permissions of
the role that its user has at the moment of the request. A token of an application that acts for itself has those of an admin. So only
admins may allow an application to call the management API, and change an application that may.

A user whose role becomes viewer or member loses their key pairs, with all tokens of these, immediately.

${row(['Permission', 'Scope', ...COLUMNS.map(([, label]) => label)])}
${row(['Permission', 'Scope', ...COLUMNS].map(() => '---'))}
${Object.values(PERMISSIONS).map(permissionRow).join('\n')}
`
