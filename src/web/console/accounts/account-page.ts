import { ACCOUNT_ATTRIBUTES, ACCOUNT_STATUS_ATTRIBUTES } from '../../../accounts/account-attributes.ts'
import type { ConsoleTranslate } from '../../../languages/console/console-translator.ts'
import { type AccountDetails, readAccount } from '../../../management/account-operations.ts'
import { attributeFacts } from '../kit/attribute-facts.ts'
import { type Block, blocksPage } from '../kit/blocks.ts'
import { type Cell, fact, idCell, linkCell, numberCell, quietCell, textCell, timeCell } from '../kit/cells.ts'
import type { Change } from '../kit/changes.ts'
import type { ConsoleCall } from '../kit/console-route.ts'
import { counted, countedUpTo } from '../kit/counts.ts'
import { quotaBlocks } from '../usage/quota-block.ts'
import { accountStatusBadge } from './account-list-page.ts'

const noticesIn = (t: ConsoleTranslate) => ({
  added: t('Account added. Now invite its first admin.'),
  changed: t('Changes saved.'),
  active: t('Account enabled. Its users can sign in, and its applications can get new tokens.'),
  disabled: t('Account disabled. Its users cannot sign in, and all its tokens are revoked.'),
  'api-on': t('API enabled for this account.'),
  'api-off': t('API disabled for this account. All its tokens are revoked.'),
})

export const accountPath = (accountId: string, step = ''): string => `/accounts/${accountId}${step && `/${step}`}`

/** The title shows the name, and a badge the status. */
const { name: _name, ...OTHERS } = ACCOUNT_ATTRIBUTES
const SHOWN = { apiEnabled: ACCOUNT_STATUS_ATTRIBUTES.apiEnabled, ...OTHERS }

function usersCell(t: ConsoleTranslate, { id, users, admins }: AccountDetails): Cell {
  if (users.count === 0) return quietCell(t('none yet'))
  const amongThem = counted(t, admins, 'active admin')
  return linkCell(countedUpTo(t, users, 'user'), `/users?account=${id}`, amongThem)
}

const providersCell = (t: ConsoleTranslate, { id, identityProviders: count }: AccountDetails): Cell =>
  linkCell(count === 0 ? t('none yet') : counted(t, count, 'identity provider'), `/identity-providers?account=${id}`)

function factsOf(t: ConsoleTranslate, account: AccountDetails) {
  const { id, applications, keyPairs, activeTokens } = account
  const none = quietCell(t('none'))
  return [
    fact(t('Users'), usersCell(t, account)),
    fact(t('Identity providers'), providersCell(t, account)),
    fact(
      t('Applications'),
      applications.count ? linkCell(countedUpTo(t, applications, 'application'), `/applications?account=${id}`) : none,
    ),
    fact(t('Key pairs'), keyPairs ? numberCell(keyPairs) : none),
    fact(t('Active tokens'), activeTokens.count ? textCell(countedUpTo(t, activeTokens, 'active token')) : none),
    ...attributeFacts(t, SHOWN, account),
    fact(t('Added'), timeCell(account.createdAt)),
    fact(t('Account ID'), idCell(id, t('account ID'))),
  ]
}

function apiChange(t: ConsoleTranslate, { id, apiEnabled }: AccountDetails): Change {
  const href = accountPath(id, 'api')
  if (!apiEnabled) {
    const text = t('The clients of this account can get new tokens.')
    return { title: t('Enable API'), text, action: { href, label: t('Enable API…') } }
  }
  const text = t('Key pairs and applications of this account stop working. Its users can still sign in.')
  return { title: t('Disable API'), text, action: { href, label: t('Disable API…'), danger: true } }
}

function statusChange(t: ConsoleTranslate, { id, status }: AccountDetails): Change {
  const href = accountPath(id, 'status')
  if (status === 'disabled') {
    const text = t('Users of this account can sign in again, and its clients can get new tokens.')
    return { title: t('Enable account'), text, action: { href, label: t('Enable…') } }
  }
  const text = t('Users of this account cannot sign in, and all its tokens are revoked immediately.')
  return { title: t('Disable account'), text, action: { href, label: t('Disable…'), danger: true } }
}

function deletion(t: ConsoleTranslate, { id, status }: AccountDetails): Change {
  const title = t('Delete account')
  if (status === 'active') return { title, text: t('Disable the account first.') }
  const text = t('Deletes the account with its users, applications and key pairs.')
  return { title, text, action: { href: accountPath(id, 'delete'), label: t('Delete…'), danger: true } }
}

const deleting = (t: ConsoleTranslate): Change => ({
  title: t('Delete account'),
  text: t('This account is being deleted with its users and applications, and cannot be restored.'),
})

const changesOf = (t: ConsoleTranslate, account: AccountDetails): Change[] =>
  account.status === 'deleting'
    ? [deleting(t)]
    : [apiChange(t, account), statusChange(t, account), deletion(t, account)]

const firstAdmin = (t: ConsoleTranslate, { id }: AccountDetails): Block => ({
  part: 'empty',
  title: t('This account has no admin'),
  text: t('The first admin invites other users and generates a key pair.'),
  action: { href: `/users/invite?account=${id}&role=admin`, label: t('Invite the first admin'), primary: true },
})

/** The detail page of an account. */
export async function showAccount({ management, who, params, show, t }: ConsoleCall): Promise<void> {
  const account = await readAccount(management, who, { accountId: params.accountId! })
  const { id, name, admins, status } = account
  const invites = admins === 0 && status === 'active'
  const invite = { href: `/users/invite?account=${id}`, label: t('Invite user') }
  const blocks: Block[] = [
    ...(invites ? [firstAdmin(t, account)] : []),
    { part: 'facts', facts: factsOf(t, account) },
    ...quotaBlocks(t, account.quotas),
    { part: 'changes', heading: t('Actions'), changes: changesOf(t, account) },
  ]
  show(
    blocksPage(
      {
        title: name,
        badge: accountStatusBadge(t, account),
        breadcrumbs: [{ href: '/accounts', label: t('Accounts') }],
        actions: [
          { href: `/activity?account=${id}`, label: t('Activity') },
          { href: accountPath(id, 'edit'), label: t('Edit') },
          ...(admins > 0 && status === 'active' ? [invite] : []),
        ],
        notices: noticesIn(t),
      },
      blocks,
    ),
  )
}
