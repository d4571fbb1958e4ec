import type { Command } from 'commander'
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
import { onOffArgument } from './client-options.ts'

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
  addStatus(account, 'disable', 'disabled', OFF)
  addStatus(account, 'enable', 'active', 'switch an account on again; tokens that died stay dead')
  addApi(account)
}

const OFF = 'switch an account off: its clients get nothing more, and every token they hold is dead at once'

function addCreate(account: Command): void {
  account
    .command('create')
    .description('add an account')
    .requiredOption('--name <name>', 'what the customer is called')
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
    .description('all accounts')
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
    .description('call an account something else')
    .requiredOption('--name <name>', 'what the customer is called')
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
    .addArgument(onOffArgument('off: none of its clients gets anything more, and every token they hold is dead'))
    .description('switch the API off or on for one account; its people may sign in all the same')
    .action(
      withInstance(async ({ management, principal }, _options, id, onOff) => ({
        json: viewOf(await setAccountApi(management, principal, { accountId: id!, enabled: onOff === 'on' })),
      })),
    )
}
