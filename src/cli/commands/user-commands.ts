import { Argument, type Command } from 'commander'
import type { SettableStatus } from '../../accounts/account-attributes.ts'
import { mayOwnKeyPairs } from '../../accounts/permissions.ts'
import {
  ACCOUNT_ROLE,
  type AccountRole,
  MEMBERSHIP_ATTRIBUTES,
  PROFILE_ATTRIBUTES,
  type Role,
  USER_ATTRIBUTES,
} from '../../accounts/user-attributes.ts'
import type { Profile, User } from '../../accounts/users.ts'
import { readAccount } from '../../management/account-operations.ts'
import { deleteUser } from '../../management/deletion-operations.ts'
import { sendVerification } from '../../management/email-verification-operations.ts'
import { resetFactors } from '../../management/factor-operations.ts'
import { inviteUser } from '../../management/invitations.ts'
import { listSessions } from '../../management/session-operations.ts'
import { exportUserData, type UserDataItem } from '../../management/user-data-export.ts'
import { searchUsers } from '../../management/user-list.ts'
import { offboardUser } from '../../management/user-offboarding.ts'
import { findUser, givePassword, setRole, setUserStatus, updateUser } from '../../management/user-operations.ts'
import { choiceValues } from '../../shared/attributes.ts'
import { invalidInput } from '../../shared/errors.ts'
import { readAllPages } from '../all-pages.ts'
import { addAttributeOptions, attributeOption, optionValues, printedValues } from '../attribute-options.ts'
import { addDryRun, type DryRunOption, runOrDescribe } from '../dry-run-commands.ts'
import { table, writeToOutput } from '../output.ts'
import { type CommandContext, withInstance } from '../run.ts'

interface CreateOptions {
  role?: AccountRole
  operator?: boolean
}

function roleOf({ role, operator }: CreateOptions, accountId: string | null | undefined): Role {
  if (operator) {
    if (role || accountId) throw invalidInput('--operator cannot be combined with --account or --role')
    return 'operator'
  }
  if (!accountId) throw invalidInput('name the account of the user with --account, or use --operator')
  if (!role) throw invalidInput('--role must be admin, developer, viewer or member')
  return role
}

const idOf = async ({ management, principal }: CommandContext, idOrEmail: string): Promise<string> =>
  (await findUser(management, principal, { idOrEmail })).id

const viewOf = (user: User) => ({ user_id: user.id, ...printedValues(USER_ATTRIBUTES, user) })

const ACCOUNT = { accountId: MEMBERSHIP_ATTRIBUTES.accountId }

function addCreate(user: Command): void {
  const command = user.command('create').description('Create a user; prints a one-time password')
  addAttributeOptions(command, { ...PROFILE_ATTRIBUTES, ...ACCOUNT }, 'create')
    .addOption(attributeOption('role', ACCOUNT_ROLE))
    .option('--operator', 'Operator of this instance, who belongs to no account')
    .action(
      withInstance<CreateOptions>(async ({ management, principal }, options) => {
        const { accountId } = optionValues(ACCOUNT, options)
        // Commander has rejected a command without the required ones.
        const profile = optionValues(PROFILE_ATTRIBUTES, options) as Partial<Profile> & Pick<Profile, 'email'>
        const invitation = { ...profile, role: roleOf(options, accountId), accountId }
        const { user, password } = await inviteUser(management, principal, invitation)
        return { json: { ...viewOf(user), password } }
      }),
    )
}

function addList(user: Command): void {
  user
    .command('list')
    .description('List all users, or those of one account')
    .option('--account <id>', 'Only users of this account')
    .option('--external-id <id>', 'Only the user with this external ID')
    .action(
      withInstance<{ account?: string; externalId?: string }>(async ({ management, principal }, options) => {
        const { account: accountId, externalId } = options
        if (accountId !== undefined) await readAccount(management, principal, { accountId })
        const listed = await readAllPages((page) =>
          searchUsers(management, principal, { accountId, externalId, ...page }),
        )
        const users = listed.map(viewOf)
        return { json: { users }, text: table(users) }
      }),
    )
}

function addUpdate(user: Command): void {
  const command = user.command('update <id|email>').description('Update the attributes that the options name')
  addAttributeOptions(command, PROFILE_ATTRIBUTES, 'update').action(
    withInstance<object>(async (context, options, idOrEmail) => {
      const change = { userId: await idOf(context, idOrEmail!), ...optionValues(PROFILE_ATTRIBUTES, options) }
      return { json: viewOf(await updateUser(context.management, context.principal, change)) }
    }),
  )
}

function addRole(user: Command): void {
  addDryRun(user.command('role'))
    .argument('<id|email>')
    .addArgument(new Argument('<role>', ACCOUNT_ROLE.option!.help).choices(choiceValues(ACCOUNT_ROLE)))
    .description('Change the role of a user')
    .action(
      withInstance<DryRunOption>(async (context, options, idOrEmail, role) => {
        const change = { userId: await idOf(context, idOrEmail!), role: role as AccountRole }
        // Only a user who may no longer own key pairs loses something.
        if (options.dryRun && mayOwnKeyPairs(role as AccountRole))
          throw invalidInput('--dry-run describes what the role viewer or member would affect')
        return await runOrDescribe(context, options, setRole, change, viewOf)
      }),
    )
}

function addResetPassword(user: Command): void {
  user
    .command('reset-password <id|email>')
    .description('Generate a one-time password; the user is signed out')
    .action(
      withInstance(async (context, _options, idOrEmail) => {
        const userId = await idOf(context, idOrEmail!)
        const { user, password } = await givePassword(context.management, context.principal, { userId })
        return { json: { ...viewOf(user), password } }
      }),
    )
}

function addResetFactors(user: Command): void {
  user
    .command('reset-factors <id|email>')
    .description('Remove the passkeys and second factors of a user who has lost them; the user is signed out')
    .action(
      withInstance(async (context, _options, idOrEmail) => {
        const userId = await idOf(context, idOrEmail!)
        const { user, removed } = await resetFactors(context.management, context.principal, { userId })
        return { json: { ...viewOf(user), removed } }
      }),
    )
}

function addSendVerification(user: Command): void {
  user
    .command('send-verification <id|email>')
    .description('Send a user a link to verify their email address')
    .action(
      withInstance(async (context, _options, idOrEmail) => {
        const userId = await idOf(context, idOrEmail!)
        return { json: viewOf(await sendVerification(context.management, context.principal, { userId })) }
      }),
    )
}

function addStatus(user: Command, verb: string, status: SettableStatus, description: string): void {
  const command = user.command(`${verb} <id|email>`).description(description)
  if (status === 'disabled') addDryRun(command)
  command.action(
    withInstance<DryRunOption>(async (context, options, idOrEmail) => {
      const change = { userId: await idOf(context, idOrEmail!), status }
      return await runOrDescribe(context, options, setUserStatus, change, viewOf)
    }),
  )
}

function addOffboard(user: Command): void {
  addDryRun(user.command('offboard <id|email>'))
    .description('Disable a user and end their sessions, consents, key pairs and tokens')
    .action(
      withInstance<DryRunOption>(async (context, options, idOrEmail) => {
        const change = { userId: await idOf(context, idOrEmail!) }
        return await runOrDescribe(context, options, offboardUser, change, viewOf)
      }),
    )
}

function addDelete(user: Command): void {
  addDryRun(user.command('delete <id|email>'))
    .description('Delete a disabled user, and erase their personal data in the activity log')
    .action(
      withInstance<DryRunOption>(async (context, options, idOrEmail) => {
        const userId = await idOf(context, idOrEmail!)
        return await runOrDescribe(context, options, deleteUser, { userId }, (status) => ({ user_id: userId, status }))
      }),
    )
}

function addSessions(user: Command): void {
  user
    .command('sessions <id|email>')
    .description('List where a user is signed in; `token revoke --user ID` ends all sessions')
    .action(
      withInstance(async (context, _options, idOrEmail) => {
        const userId = await idOf(context, idOrEmail!)
        const listed = await listSessions(context.management, context.principal, { userId })
        const sessions = listed.map(({ id, browser, system, address, signedInAt, lastUsedAt }) => ({
          session_id: id,
          browser,
          system,
          address,
          signed_in_at: signedInAt,
          last_used_at: lastUsedAt,
        }))
        return { json: { sessions }, text: table(sessions) }
      }),
    )
}

async function* exportLines(items: AsyncIterable<UserDataItem>): AsyncGenerator<string> {
  for await (const item of items) yield `${JSON.stringify(item)}\n`
}

function addExport(user: Command): void {
  user
    .command('export <id|email>')
    .description('Write what is stored about a user to standard output, one JSON object per line')
    .action(
      withInstance(async (context, _options, idOrEmail) => {
        const userId = await idOf(context, idOrEmail!)
        await writeToOutput(exportLines(await exportUserData(context.management, context.principal, { userId })))
      }),
    )
}

export function addUserCommands(user: Command): void {
  addCreate(user)
  addList(user)
  addUpdate(user)
  addRole(user)
  addResetPassword(user)
  addResetFactors(user)
  addSendVerification(user)
  addSessions(user)
  const disable = 'Disable a user: they are signed out, and all their tokens are revoked'
  addStatus(user, 'disable', 'disabled', disable)
  addStatus(user, 'enable', 'active', 'Enable a user; revoked tokens stay revoked')
  addOffboard(user)
  addDelete(user)
  addExport(user)
}
