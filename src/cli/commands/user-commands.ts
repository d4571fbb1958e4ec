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
    if (options.role || options.account) throw invalidInput('--operator goes without --account and --role')
    return 'operator'
  }
  if (!options.account) throw invalidInput('--account names the account of an admin or member; or say --operator')
  if (options.role !== 'admin' && options.role !== 'member') throw invalidInput('--role is admin or member')
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
    .description('add a person; answers the one-time password')
    .requiredOption('--email <address>', 'the address they sign in with')
    .option('--name <name>', 'what they are called')
    .option('--email-verified', 'assert that the address is theirs: applications then get the claim email_verified')
    .option('--account <id>', 'the account they belong to')
    .option('--role <role>', 'admin or member')
    .option('--operator', 'an operator of this instance, who belongs to no account')
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
    .description('all people, or those of one account')
    .option('--account <id>', 'the account whose people are meant')
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
    .description('change what a person is called, or the address they sign in with')
    .option('--name <name>', "what they are called; '' for nothing")
    .option('--email <address>', 'the address they sign in with')
    .option('--email-verified', 'assert that the address is theirs')
    .option('--no-email-verified', 'withdraw that assertion')
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
      new Argument('<role>', 'a member has no key pair: a former admin loses theirs').choices(['admin', 'member']),
    )
    .description('make a member an admin, or an admin a member')
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
    .description('a new one-time password; they are signed out')
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
  const off = 'switch a person off: they are signed out, and every token of theirs is dead at once'
  addStatus(user, 'disable', 'disabled', off)
  addStatus(user, 'enable', 'active', 'let a person sign in again; tokens that died stay dead')
}
