import { Argument, type Command } from 'commander'
import type { Account } from '../../accounts/accounts.ts'
import {
  createAccount,
  listAccounts,
  setAccountApi,
  setAccountStatus,
  updateAccount,
} from '../../management/account-operations.ts'
import { readAllPages } from '../all-pages.ts'
import { table } from '../output.ts'
import { withInstance } from '../run.ts'

const viewOf = (account: Account) => ({
  account_id: account.id,
  name: account.name,
  status: account.status,
  api: account.apiEnabled ? 'on' : 'off',
})

export function addAccountCommands(account: Command): void {
  addCreate(account)
  addList(account)
  addRename(account)
  addStatus(account, 'disable', 'disabled', DISABLE)
  addStatus(account, 'enable', 'active', 'Enable an account; revoked tokens stay revoked')
  addApi(account)
}

const DISABLE = 'Disable an account: its users are signed out, and all tokens of its clients and users are revoked'

function addCreate(account: Command): void {
  account
    .command('create')
    .description('Create an account')
    .requiredOption('--name <name>', 'Name of the customer')
    .addHelpText('after', "\nExample:\n  npm run -s keywright -- account create --name 'ACME Corp'")
    .action(
      withInstance<{ name: string }>(async ({ management, principal }, { name }) => ({
        json: viewOf(await createAccount(management, principal, { name })),
      })),
    )
}

function addList(account: Command): void {
  account
    .command('list')
    .description('List all accounts')
    .action(
      withInstance(async ({ management, principal }) => {
        const listed = await readAllPages((page) => listAccounts(management, principal, { sort: 'added', ...page }))
        const accounts = listed.map((one) => ({ ...viewOf(one), created_at: one.createdAt }))
        return { json: { accounts }, text: table(accounts) }
      }),
    )
}

function addRename(account: Command): void {
  account
    .command('rename <id>')
    .description('Rename an account')
    .requiredOption('--name <name>', 'Name of the customer')
    .action(
      withInstance<{ name: string }>(async ({ management, principal }, { name }, id) => ({
        json: viewOf(await updateAccount(management, principal, { accountId: id!, name })),
      })),
    )
}

function addStatus(account: Command, verb: string, status: Account['status'], description: string): void {
  account
    .command(`${verb} <id>`)
    .description(description)
    .action(
      withInstance(async ({ management, principal }, _options, id) => ({
        json: viewOf(await setAccountStatus(management, principal, { accountId: id!, status })),
      })),
    )
}

function addApi(account: Command): void {
  account
    .command('api')
    .argument('<id>')
    .addArgument(
      new Argument('<on|off>', 'off: its clients get no tokens, and their tokens are revoked').choices(['on', 'off']),
    )
    .description('Switch the API of an account on or off; its users can still sign in')
    .action(
      withInstance(async ({ management, principal }, _options, id, onOff) => ({
        json: viewOf(await setAccountApi(management, principal, { accountId: id!, enabled: onOff === 'on' })),
      })),
    )
}
