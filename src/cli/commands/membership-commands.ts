import type { Command } from 'commander'
import type { SettableStatus } from '../../accounts/account-attributes.ts'
import { ACCOUNT_ROLE, type AccountRole } from '../../accounts/user-attributes.ts'
import {
  addMembership,
  listMemberships,
  type Membership,
  removeMembership,
  updateMembership,
} from '../../management/membership-operations.ts'
import { findUser } from '../../management/user-operations.ts'
import { invalidInput } from '../../shared/errors.ts'
import { isId } from '../../shared/ids.ts'
import { toWire } from '../../shared/wire-names.ts'
import { attributeOption } from '../attribute-options.ts'
import { addDryRun, type DryRunOption, runOrDescribe } from '../dry-run-commands.ts'
import { table } from '../output.ts'
import { type CommandContext, withInstance } from '../run.ts'

const idOf = async ({ management, principal }: CommandContext, idOrEmail: string): Promise<string> =>
  (await findUser(management, principal, { idOrEmail })).id

const viewOf = (membership: Membership) => ({ ...toWire(membership), created_at: membership.createdAt.toISOString() })

interface OfAccount {
  readonly account: string
}

const addAccount = (command: Command): Command => command.requiredOption('--account <id>', 'The account')

function addList(membership: Command): void {
  membership
    .command('list <id|email>')
    .description('List the accounts that a user belongs to, the first account first')
    .action(
      withInstance(async (context, _options, idOrEmail) => {
        const userId = await idOf(context, idOrEmail!)
        const memberships = (await listMemberships(context.management, context.principal, { userId })).map(viewOf)
        return { json: { memberships }, text: table(memberships) }
      }),
    )
}

function addAdd(membership: Command): void {
  addAccount(membership.command('add <id|email>'))
    .description('Add a user to a further account; naming them by their address confirms it')
    .addOption(attributeOption('role', ACCOUNT_ROLE).makeOptionMandatory())
    .action(
      withInstance<OfAccount & { role: AccountRole }>(async (context, { account: accountId, role }, idOrEmail) => {
        const userId = await idOf(context, idOrEmail!)
        const email = isId(idOrEmail!) ? undefined : idOrEmail!
        const added = await addMembership(context.management, context.principal, { userId, accountId, role, email })
        return { json: viewOf(added) }
      }),
    )
}

interface Change extends OfAccount {
  readonly role?: AccountRole
  readonly status?: string
}

function statusIn({ status }: Change): SettableStatus | undefined {
  if (status === undefined || status === 'active' || status === 'disabled') return status
  throw invalidInput('--status must be active or disabled')
}

function addUpdate(membership: Command): void {
  addAccount(membership.command('update <id|email>'))
    .description('Change the role of a user in an account, or disable or enable them there')
    .addOption(attributeOption('role', ACCOUNT_ROLE))
    .option('--status <status>', 'active, or disabled: the user cannot act in this account')
    .action(
      withInstance<Change>(async (context, options, idOrEmail) => {
        const { account: accountId, role } = options
        const status = statusIn(options)
        if (role === undefined && status === undefined) throw invalidInput('give --role or --status')
        const change = { userId: await idOf(context, idOrEmail!), accountId, role, status }
        return { json: viewOf(await updateMembership(context.management, context.principal, change)) }
      }),
    )
}

function addRemove(membership: Command): void {
  addDryRun(addAccount(membership.command('remove <id|email>')))
    .description('Remove a user from an account; their key pairs there and the tokens of the membership are revoked')
    .action(
      withInstance<OfAccount & DryRunOption>(async (context, options, idOrEmail) => {
        const key = { userId: await idOf(context, idOrEmail!), accountId: options.account }
        const removed = () => ({ user_id: key.userId, account_id: key.accountId, removed: true })
        return await runOrDescribe(context, options, removeMembership, key, removed)
      }),
    )
}

export function addMembershipCommands(membership: Command): void {
  addList(membership)
  addAdd(membership)
  addUpdate(membership)
  addRemove(membership)
}
