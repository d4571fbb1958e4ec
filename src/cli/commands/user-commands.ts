import { Argument, type Command } from 'commander'
import type { Role, User } from '../../accounts/users.ts'
import { readAccount } from '../../management/account-operations.ts'
import { inviteUser } from '../../management/invitations.ts'
import {
  findUser,
  givePassword,
  searchUsers,
  setRole,
  setUserStatus,
  updateUser,
} from '../../management/user-operations.ts'
import { invalidInput } from '../../shared/errors.ts'
import { readAllPages } from '../all-pages.ts'
import { table } from '../output.ts'
import { type CommandContext, withInstance } from '../run.ts'

interface UserOptions {
  account?: string
  name?: string
  email: string
  role?: string
  operator?: boolean
  emailVerified?: boolean
}

function roleOf(options: UserOptions): Role {
  if (options.operator) {
    if (options.role || options.account) throw invalidInput('--operator cannot be combined with --account or --role')
    return 'operator'
  }
  if (!options.account) throw invalidInput('name the account of an admin or member with --account, or use --operator')
  if (options.role !== 'admin' && options.role !== 'member') throw invalidInput('--role must be admin or member')
  return options.role
}

interface UpdateOptions {
  name?: string
  email?: string
  emailVerified?: boolean
}

const idOf = async ({ management, principal }: CommandContext, idOrEmail: string): Promise<string> =>
  (await findUser(management, principal, { idOrEmail })).id

const viewOf = (user: User) => ({
  user_id: user.id,
  email: user.email,
  email_verified: user.emailVerified,
  name: user.name,
  role: user.role,
  account_id: user.accountId,
  status: user.status,
})

function addCreate(user: Command): void {
  user
    .command('create')
    .description('Create a user; prints a one-time password')
    .requiredOption('--email <address>', 'Email address that the user signs in with')
    .option('--name <name>', 'Display name')
    .option('--email-verified', 'Mark the address as verified, for the claim email_verified')
    .option('--account <id>', 'Account that the user belongs to')
    .option('--role <role>', 'admin or member')
    .option('--operator', 'Operator of this instance, who belongs to no account')
    .action(
      withInstance<UserOptions>(async ({ management, principal }, options) => {
        const { email, name, emailVerified, account: accountId } = options
        const invitation = { email, name, emailVerified, role: roleOf(options), accountId }
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
    .action(
      withInstance<{ account?: string }>(async ({ management, principal }, { account: accountId }) => {
        if (accountId !== undefined) await readAccount(management, principal, { accountId })
        const listed = await readAllPages((page) => searchUsers(management, principal, { accountId, ...page }))
        const users = listed.map(viewOf)
        return { json: { users }, text: table(users) }
      }),
    )
}

function addUpdate(user: Command): void {
  user
    .command('update <id|email>')
    .description("Update a user's name or email address")
    .option('--name <name>', "Display name; '' removes it")
    .option('--email <address>', 'Email address that the user signs in with')
    .option('--email-verified', 'Mark the address as verified')
    .option('--no-email-verified', 'Mark the address as not verified')
    .action(
      withInstance<UpdateOptions>(async (context, { name, email, emailVerified }, idOrEmail) => {
        const change = { userId: await idOf(context, idOrEmail!), name, email, emailVerified }
        return { json: viewOf(await updateUser(context.management, context.principal, change)) }
      }),
    )
}

function addRole(user: Command): void {
  user
    .command('role')
    .argument('<id|email>')
    .addArgument(
      new Argument('<role>', 'admin or member; a member has no key pair, so that of a former admin is revoked').choices(
        ['admin', 'member'],
      ),
    )
    .description('Change the role of a user')
    .action(
      withInstance(async (context, _options, idOrEmail, role) => {
        const change = { userId: await idOf(context, idOrEmail!), role: role as 'admin' | 'member' }
        return { json: viewOf(await setRole(context.management, context.principal, change)) }
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

function addStatus(user: Command, verb: string, status: User['status'], description: string): void {
  user
    .command(`${verb} <id|email>`)
    .description(description)
    .action(
      withInstance(async (context, _options, idOrEmail) => {
        const userId = await idOf(context, idOrEmail!)
        return { json: viewOf(await setUserStatus(context.management, context.principal, { userId, status })) }
      }),
    )
}

export function addUserCommands(user: Command): void {
  addCreate(user)
  addList(user)
  addUpdate(user)
  addRole(user)
  addResetPassword(user)
  const disable = 'Disable a user: they are signed out, and all their tokens are revoked'
  addStatus(user, 'disable', 'disabled', disable)
  addStatus(user, 'enable', 'active', 'Enable a user; revoked tokens stay revoked')
}
