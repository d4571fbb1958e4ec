import { Argument, type Command } from 'commander'
import {
  ACCOUNT_ATTRIBUTES,
  ACCOUNT_STATUS_ATTRIBUTES,
  type SettableStatus,
} from '../../accounts/account-attributes.ts'
import type { Account, NewAccount } from '../../accounts/accounts.ts'
import {
  createAccount,
  listAccounts,
  setAccountApi,
  setAccountStatus,
  updateAccount,
} from '../../management/account-operations.ts'
import { deleteAccount } from '../../management/deletion-operations.ts'
import { invalidInput } from '../../shared/errors.ts'
import { readAllPages } from '../all-pages.ts'
import { addAttributeOptions, optionValues, printedValues } from '../attribute-options.ts'
import { addDryRun, type DryRunOption, runOrDescribe } from '../dry-run-commands.ts'
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
  addDelete(account)
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
    .option('--external-id <id>', 'Only the account with this external ID')
    .action(
      withInstance<{ externalId?: string }>(async ({ management, principal }, { externalId }) => {
        const filters = { sort: 'added' as const, externalId }
        const listed = await readAllPages((page) => listAccounts(management, principal, { ...filters, ...page }))
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

function addStatus(account: Command, verb: string, status: SettableStatus, description: string): void {
  const command = account.command(`${verb} <id>`).description(description)
  if (status === 'disabled') addDryRun(command)
  command.action(
    withInstance<DryRunOption>((context, options, id) =>
      runOrDescribe(context, options, setAccountStatus, { accountId: id!, status }, viewOf),
    ),
  )
}

function addDelete(account: Command): void {
  addDryRun(account.command('delete <id>'))
    .description('Delete a disabled account with its users, applications and key pairs; their tokens stay revoked')
    .action(
      withInstance<DryRunOption>((context, options, id) =>
        runOrDescribe(context, options, deleteAccount, { accountId: id! }, (status) => ({ account_id: id, status })),
      ),
    )
}

/** Switching the API on stops no caller. @throws KeywrightError `invalid_input` */
function checkMayDescribe({ dryRun }: DryRunOption, onOff: string | undefined): void {
  if (dryRun && onOff === 'on') throw invalidInput('--dry-run describes what off would affect')
}

function addApi(account: Command): void {
  addDryRun(account.command('api'))
    .argument('<id>')
    .addArgument(new Argument('<on|off>', ACCOUNT_STATUS_ATTRIBUTES.apiEnabled.option!.help).choices(['on', 'off']))
    .description('Switch the API of an account on or off; its users can still sign in')
    .action(
      withInstance<DryRunOption>(async (context, options, id, onOff) => {
        checkMayDescribe(options, onOff)
        const change = { accountId: id!, enabled: onOff === 'on' }
        return await runOrDescribe(context, options, setAccountApi, change, viewOf)
      }),
    )
}
