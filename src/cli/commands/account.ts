import type { Command } from 'commander'
import { createAccount, getAccount, listAccounts } from '../../accounts/accounts.ts'
import { createUser, listUsers, type Role, type User } from '../../accounts/users.ts'
import { recordAudit } from '../../audit/audit-log.ts'
import { invalidInput } from '../../shared/errors.ts'
import { changeAccountStatus } from '../../tokens/account-changes.ts'
import { changeUserStatus } from '../../tokens/user-changes.ts'
import { table } from '../output.ts'
import { withInstance } from '../run.ts'

export function addAccountCommands(program: Command): void {
  const account = program.command('account').description('enterprise accounts, the walls between customers')

  account
    .command('create')
    .description('add an account')
    .requiredOption('--name <name>', 'what the customer is called')
    .addHelpText('after', "\nExample:\n  npm run -s keywright -- account create --name 'ACME Corp'")
    .action(
      withInstance<{ name: string }>(async ({ knex, actor }, { name }) => {
        const created = await knex.transaction(async (trx) => {
          const made = await createAccount(trx, name)
          const target = { type: 'account', id: made.id }
          await recordAudit(trx, actor, { action: 'account.created', target, accountId: made.id })
          return made
        })
        return { json: { account_id: created.id, name: created.name, status: created.status } }
      }),
    )

  account
    .command('list')
    .description('all accounts')
    .action(
      withInstance(async ({ knex }) => {
        const accounts = (await listAccounts(knex)).map((one) => ({
          account_id: one.id,
          name: one.name,
          status: one.status,
          created_at: one.createdAt,
        }))
        return { json: { accounts }, text: table(accounts) }
      }),
    )

  for (const [verb, status] of [
    ['disable', 'disabled'],
    ['enable', 'active'],
  ] as const) {
    account
      .command(`${verb} <id>`)
      .description(
        verb === 'disable'
          ? 'switch an account off: its clients get nothing more, and every token they hold is dead at once'
          : 'switch an account on again; tokens that died stay dead',
      )
      .action(
        withInstance(async ({ knex, actor }, _options, id) => {
          const changed = await changeAccountStatus(knex, id!, status, actor)
          return { json: { account_id: changed.id, status: changed.status } }
        }),
      )
  }
}

interface UserOptions {
  account?: string
  name?: string
  email: string
  role?: string
  operator?: boolean
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

const viewOf = (user: User) => ({
  user_id: user.id,
  email: user.email,
  name: user.name,
  role: user.role,
  account_id: user.accountId,
  status: user.status,
})

function addUserCreate(user: Command): void {
  user
    .command('create')
    .description('add a person; answers the one-time password')
    .requiredOption('--email <address>', 'the address they sign in with')
    .option('--name <name>', 'what they are called')
    .option('--account <id>', 'the account they belong to')
    .option('--role <role>', 'admin or member')
    .option('--operator', 'an operator of this instance, who belongs to no account')
    .action(
      withInstance<UserOptions>(async ({ knex, actor }, options) => {
        const role = roleOf(options)
        const { user, password } = await knex.transaction(async (trx) => {
          const person = { email: options.email, name: options.name, role, accountId: options.account ?? null }
          const made = await createUser(trx, person)
          const target = { type: 'user', id: made.user.id }
          await recordAudit(trx, actor, {
            action: 'user.created',
            target,
            accountId: made.user.accountId,
            detail: { role },
          })
          return made
        })
        return { json: { ...viewOf(user), password } }
      }),
    )
}

function addUserList(user: Command): void {
  user
    .command('list')
    .description('all people, or those of one account')
    .option('--account <id>', 'the account whose people are meant')
    .action(
      withInstance<{ account?: string }>(async ({ knex }, { account }) => {
        const accountId = account === undefined ? undefined : (await getAccount(knex, account)).id
        const users = (await listUsers(knex, { accountId })).map(viewOf)
        return { json: { users }, text: table(users) }
      }),
    )
}

function addUserStatus(user: Command, verb: string, status: User['status'], description: string): void {
  user
    .command(`${verb} <id|email>`)
    .description(description)
    .action(
      withInstance(async ({ knex, actor }, _options, idOrEmail) => ({
        json: viewOf(await changeUserStatus(knex, idOrEmail!, status, actor)),
      })),
    )
}

export function addUserCommands(program: Command): void {
  const user = program.command('user').description('people: operators, and the admins and members of accounts')
  addUserCreate(user)
  addUserList(user)
  const off = 'switch a person off: they are signed out, and every token of theirs is dead at once'
  addUserStatus(user, 'disable', 'disabled', off)
  addUserStatus(user, 'enable', 'active', 'let a person sign in again; tokens that died stay dead')
}
