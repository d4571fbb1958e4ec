import { ACCOUNT_ATTRIBUTES, ACCOUNT_STATUS_ATTRIBUTES } from '../../../accounts/account-attributes.ts'
import { toConsoleEnglish } from '../../../languages/console/console-translator.ts'
import { type AccountDetails, readAccount } from '../../../management/account-operations.ts'
import type { Bounded } from '../../../management/bounded-counts.ts'
import { attributeFacts } from '../kit/attribute-facts.ts'
import { type Block, blocksPage } from '../kit/blocks.ts'
import { fact, idCell, linkCell, numberCell, quietCell, textCell, timeCell } from '../kit/cells.ts'
import type { Change } from '../kit/changes.ts'
import type { ConsoleCall } from '../kit/console-route.ts'
import { counted, countedUpTo } from '../kit/counts.ts'
import { quotaBlocks } from '../usage/quota-block.ts'
import { accountStatusBadge } from './account-list-page.ts'

const NOTICES = {
  added: 'Account added. Now invite its first admin.',
  changed: 'Changes saved.',
  active: 'Account enabled. Its users can sign in, and its applications can get new tokens.',
  disabled: 'Account disabled. Its users cannot sign in, and all its tokens are revoked.',
  'api-on': 'API enabled for this account.',
  'api-off': 'API disabled for this account. All its tokens are revoked.',
}

export const accountPath = (accountId: string, step = ''): string => `/accounts/${accountId}${step && `/${step}`}`

export const userCountText = (count: Bounded): string => countedUpTo(toConsoleEnglish(), count, 'user')

/** The title shows the name, and a badge the status. */
const { name: _name, ...OTHERS } = ACCOUNT_ATTRIBUTES
const SHOWN = { apiEnabled: ACCOUNT_STATUS_ATTRIBUTES.apiEnabled, ...OTHERS }

function factsOf(account: AccountDetails) {
  const { id, users, admins, applications, keyPairs, activeTokens } = account
  const amongThem = counted(toConsoleEnglish(), admins, 'active admin')
  const path = `/applications?account=${id}`
  return [
    fact(
      'Users',
      users.count ? linkCell(userCountText(users), `/users?account=${id}`, amongThem) : quietCell('none yet'),
    ),
    fact(
      'Applications',
      applications.count
        ? linkCell(countedUpTo(toConsoleEnglish(), applications, 'application'), path)
        : quietCell('none'),
    ),
    fact('Key pairs', keyPairs ? numberCell(keyPairs) : quietCell('none')),
    fact(
      'Active tokens',
      activeTokens.count ? textCell(countedUpTo(toConsoleEnglish(), activeTokens, 'active token')) : quietCell('none'),
    ),
    ...attributeFacts(toConsoleEnglish(), SHOWN, account),
    fact('Added', timeCell(account.createdAt)),
    fact('Account ID', idCell(id, 'account ID')),
  ]
}

function apiChange({ id, apiEnabled }: AccountDetails): Change {
  const href = accountPath(id, 'api')
  if (!apiEnabled) {
    const text = 'The clients of this account can get new tokens.'
    return { title: 'Enable API', text, action: { href, label: 'Enable API…' } }
  }
  const text = 'Key pairs and applications of this account stop working. Its users can still sign in.'
  return { title: 'Disable API', text, action: { href, label: 'Disable API…', danger: true } }
}

function statusChange({ id, status }: AccountDetails): Change {
  const href = accountPath(id, 'status')
  if (status === 'disabled') {
    const text = 'Users of this account can sign in again, and its clients can get new tokens.'
    return { title: 'Enable account', text, action: { href, label: 'Enable…' } }
  }
  const text = 'Users of this account cannot sign in, and all its tokens are revoked immediately.'
  return { title: 'Disable account', text, action: { href, label: 'Disable…', danger: true } }
}

function deletion({ id, status }: AccountDetails): Change {
  const title = 'Delete account'
  if (status === 'active') return { title, text: 'Disable the account first.' }
  const text = 'Deletes the account with its users, applications and key pairs.'
  return { title, text, action: { href: accountPath(id, 'delete'), label: 'Delete…', danger: true } }
}

const DELETING = 'This account is being deleted with its users and applications, and cannot be restored.'

const changesOf = (account: AccountDetails): Change[] =>
  account.status === 'deleting'
    ? [{ title: 'Delete account', text: DELETING }]
    : [apiChange(account), statusChange(account), deletion(account)]

const firstAdmin = ({ id }: AccountDetails): Block => ({
  part: 'empty',
  title: 'This account has no admin',
  text: 'The first admin invites other users and generates a key pair.',
  action: { href: `/users/invite?account=${id}&role=admin`, label: 'Invite the first admin', primary: true },
})

/** The detail page of an account. */
export async function showAccount({ management, who, params, show }: ConsoleCall): Promise<void> {
  const account = await readAccount(management, who, { accountId: params.accountId! })
  const { id, name, admins, status } = account
  const invites = admins === 0 && status === 'active'
  const invite = { href: `/users/invite?account=${id}`, label: 'Invite user' }
  const blocks: Block[] = [
    ...(invites ? [firstAdmin(account)] : []),
    { part: 'facts', facts: factsOf(account) },
    ...quotaBlocks(account.quotas),
    { part: 'changes', heading: 'Actions', changes: changesOf(account) },
  ]
  show(
    blocksPage(
      {
        title: name,
        badge: accountStatusBadge(account),
        breadcrumbs: [{ href: '/accounts', label: 'Accounts' }],
        actions: [
          { href: `/activity?account=${id}`, label: 'Activity' },
          { href: accountPath(id, 'edit'), label: 'Edit' },
          ...(admins > 0 && status === 'active' ? [invite] : []),
        ],
        notices: NOTICES,
      },
      blocks,
    ),
  )
}
