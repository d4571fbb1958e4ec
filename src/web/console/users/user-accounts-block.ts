/** The accounts of a user who belongs to several, for operators. */
import { USER_ATTRIBUTES, USER_STATUS } from '../../../accounts/user-attributes.ts'
import type { ConsoleTranslate } from '../../../languages/console/console-translator.ts'
import type { AccountOfDetails, UserDetails } from '../../../management/user-views.ts'
import { valueText } from '../kit/attribute-facts.ts'
import type { Block } from '../kit/blocks.ts'
import { badgeCell, type Cell, linkCell, textCell } from '../kit/cells.ts'
import { displayName } from '../kit/display-name.ts'
import { listView } from '../kit/list-page.ts'

function statusCell(t: ConsoleTranslate, { status, waitsFor }: AccountOfDetails): Cell {
  if (status === 'disabled') return badgeCell('error', valueText(t, USER_STATUS, status))
  if (waitsFor === 'confirmed_address') return badgeCell('warning', t('Waits for you'))
  if (waitsFor === 'proof_of_mailbox') return badgeCell('warning', t('Waits for the user'))
  return badgeCell('success', valueText(t, USER_STATUS, status))
}

/** Empty for a user of one account, whose page names it. */
export function userAccountsBlock(t: ConsoleTranslate, user: UserDetails): Block[] {
  if (user.accounts.length < 2) return []
  const list = listView({
    caption: t('Accounts of {name}', { name: displayName(user) }),
    columns: [{ heading: t('Account') }, { heading: t('Role') }, { heading: t('Status') }],
    rows: user.accounts.map((account) => [
      linkCell(account.accountName, `/accounts/${account.accountId}`),
      textCell(valueText(t, USER_ATTRIBUTES.role, account.role)),
      statusCell(t, account),
    ]),
    empty: { title: '', text: '' },
  })
  return [{ part: 'list', heading: t('Accounts'), list }]
}
