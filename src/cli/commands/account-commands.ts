import { Argument, type Command } from 'commander'
import { ACCOUNT_ATTRIBUTES, ACCOUNT_STATUS_ATTRIBUTES } from '../../accounts/account-attributes.ts'
import type { Account, NewAccount } from '../../accounts/accounts.ts'
import {
  createAccount,
  listAccounts,
  setAccountApi,
  setAccountStatus,
  updateAccount,
} from '../../management/account-operations.ts'
import { readAllPages } from '../all-pages.ts'
import { addAttributeOptions, optionValues, printedValues } from '../attribute-options.ts'
import { table } from '../output.ts'
import { withInstance } from '../run.ts'

const viewOf = (account: Account) => ({
  account_id: account.id,
  ...printedValues({ ...ACCOUNT_ATTRIBUTES, ...ACCOUNT_STATUS_ATTRIBUTES }, account),
})

export function addAccountCommands(account: Command): void {
  addCreate(account)
  addList(account)
  addUpdate(account)
  addStatus(account, 'disable', 'disabled', DISABLE)
  addStatus(account, 'enable', 'active', 'Enable an account; revoked tokens stay revoked')
  addApi(account)
}

const DISABLE = 'Disable an account: its users are signed out, and all tokens of its clients and users are revoked'

function addCreate(account: Command): void {
  const command = account
    .command('create')
    .description('Create an account')
    .addHelpText('after', "\nExample:\n  npm run -s keywright -- account create --name 'ACME Corp'")
  addAttributeOptions(command, ACCOUNT_ATTRIBUTES, 'create').action(
    withInstance<object>(async ({ management, principal }, options) => {
      // Commander has rejected a command without the required ones.
      const values = optionValues(ACCOUNT_ATTRIBUTES, options) as NewAccount
      return { json: viewOf(await createAccount(management, principal, values)) }
    }),
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

function addUpdate(account: Command): void {
  const command = account.command('update <id>').description('Update the attributes that the options name')
  addAttributeOptions(command, ACCOUNT_ATTRIBUTES, 'update').action(
    withInstance<object>(async ({ management, principal }, options, id) => {
      const change = { accountId: id!, ...optionValues(ACCOUNT_ATTRIBUTES, options) }
      return { json: viewOf(await updateAccount(management, principal, change)) }
    }),
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
    .addArgument(new Argument('<on|off>', ACCOUNT_STATUS_ATTRIBUTES.apiEnabled.option!.help).choices(['on', 'off']))
    .description('Switch the API of an account on or off; its users can still sign in')
    .action(
      withInstance(async ({ management, principal }, _options, id, onOff) => ({
        json: viewOf(await setAccountApi(management, principal, { accountId: id!, enabled: onOff === 'on' })),
      })),
    )
}
