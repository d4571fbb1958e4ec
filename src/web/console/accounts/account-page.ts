import { type AccountDetails, readAccount } from '../../../management/account-operations.ts'
import type { Bounded } from '../../../management/live-tokens.ts'
import { type Block, blocksPage } from '../kit/blocks.ts'
import { fact, idCell, linkCell, numberCell, quietCell, textCell, timeCell } from '../kit/cells.ts'
import type { Change } from '../kit/changes.ts'
import type { ConsoleCall } from '../kit/console-route.ts'
import { counted, countedUpTo } from '../kit/counts.ts'
import { accountStatusBadge } from './account-list-page.ts'

const NOTICES = {
  added: 'The account is added. Now invite its first admin.',
  changed: 'The change is saved.',
  active: 'The account is switched on. Its people can sign in, and its applications get new tokens.',
  disabled: 'The account is switched off. Nobody of it can sign in, and every token of it is dead.',
  'api-on': 'The API is switched on for this account.',
  'api-off': 'The API is switched off for this account, and every token of it is dead.',
}

export const accountPath = (accountId: string, step = ''): string => `/accounts/${accountId}${step && `/${step}`}`

export const userCountText = (count: Bounded): string => countedUpTo(count, 'person', 'people')

function factsOf(account: AccountDetails) {
  const { id, users, admins, applications, keyPairs, liveTokens } = account
  const amongThem = counted(admins, 'active admin')
  const path = `/applications?account=${id}`
  return [
    fact(
      'People',
      users.count ? linkCell(userCountText(users), `/users?account=${id}`, amongThem) : quietCell('nobody yet'),
    ),
    fact(
      'Applications',
      applications.count ? linkCell(countedUpTo(applications, 'application'), path) : quietCell('none'),
    ),
    fact('Key pairs', keyPairs ? numberCell(keyPairs) : quietCell('none')),
    fact('Live tokens', liveTokens.count ? textCell(countedUpTo(liveTokens, 'live token')) : quietCell('none')),
    fact('API', textCell(account.apiEnabled ? 'On' : 'Switched off')),
    fact('Added', timeCell(account.createdAt)),
    fact('Account id', idCell(id, 'account id')),
  ]
}

function apiChange({ id, apiEnabled }: AccountDetails): Change {
  const href = accountPath(id, 'api')
  if (!apiEnabled) {
    const text = 'Its clients are known again, and get new tokens.'
    return { title: 'Switch the API on', text, action: { href, label: 'Switch API on…' } }
  }
  const text = 'None of its key pairs and applications works any more. Its people can still sign in.'
  return { title: 'Switch the API off', text, action: { href, label: 'Switch API off…', danger: true } }
}

function statusChange({ id, status }: AccountDetails): Change {
  const href = accountPath(id, 'status')
  if (status === 'disabled') {
    const text = 'Its people can sign in again, and its clients get new tokens.'
    return { title: 'Switch the account on', text, action: { href, label: 'Switch on…' } }
  }
  const text = 'Nobody of it can sign in, and everything of it ends at once.'
  return { title: 'Switch the account off', text, action: { href, label: 'Switch off…', danger: true } }
}

const firstAdmin = ({ id }: AccountDetails): Block => ({
  part: 'empty',
  title: 'Nobody manages this account yet',
  text: 'Its first admin invites everybody else and generates the first key pair.',
  action: { href: `/users/invite?account=${id}&role=admin`, label: 'Invite the first admin', primary: true },
})

/** An enterprise: what it has, and what can be done about it. */
export async function showAccount({ management, who, params, show }: ConsoleCall): Promise<void> {
  const account = await readAccount(management, who, { accountId: params.accountId! })
  const { id, name, admins, status } = account
  const invites = admins === 0 && status === 'active'
  const invite = { href: `/users/invite?account=${id}`, label: 'Invite' }
  const blocks: Block[] = [
    ...(invites ? [firstAdmin(account)] : []),
    { part: 'facts', facts: factsOf(account) },
    { part: 'changes', heading: 'What can be done', changes: [apiChange(account), statusChange(account)] },
  ]
  show(
    blocksPage(
      {
        title: name,
        badge: accountStatusBadge(account),
        crumbs: [{ href: '/accounts', label: 'Accounts' }],
        actions: [
          { href: `/activity?account=${id}`, label: 'Activity' },
          { href: accountPath(id, 'edit'), label: 'Rename' },
          ...(admins > 0 && status === 'active' ? [invite] : []),
        ],
        notices: NOTICES,
      },
      blocks,
    ),
  )
}
