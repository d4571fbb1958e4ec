import type { ConsoleTranslate } from '../../../languages/console/console-translator.ts'
import { type IdentityProviderOfAccount, listIdentityProviders } from '../../../management/identity-provider-reading.ts'
import { accountFilter, accountIn } from '../kit/account-filter.ts'
import { badgeCell, type Cell, linkCell, quietCell, timeCell } from '../kit/cells.ts'
import type { PageAction } from '../kit/console-page.ts'
import type { ConsoleCall } from '../kit/console-route.ts'
import { type Column, listPage } from '../kit/list-page.ts'
import { pageIn } from '../kit/query-fields.ts'
import { PROVIDERS_PATH, pathForAccount, providerBadge, providerPath } from './provider-texts.ts'

const addAction = (t: ConsoleTranslate, accountId: string | undefined): PageAction => ({
  href: pathForAccount(providerPath('new'), accountId),
  label: t('Add identity provider'),
  primary: true,
})

const columnsFor = (t: ConsoleTranslate, isOperator: boolean): Column[] => [
  { heading: t('Identity provider') },
  { heading: t('Status') },
  ...(isOperator ? [{ heading: t('Account') }] : []),
  { heading: t('Added'), wideOnly: true },
]

const accountCell = (t: ConsoleTranslate, { accountId, accountName }: IdentityProviderOfAccount): Cell =>
  accountId === null ? quietCell(t('this instance')) : linkCell(accountName ?? accountId, `/accounts/${accountId}`)

function rowOf(t: ConsoleTranslate, provider: IdentityProviderOfAccount, isOperator: boolean): Cell[] {
  const { tone, text } = providerBadge(t, provider)
  return [
    linkCell(provider.name, providerPath(provider.id), provider.issuer),
    badgeCell(tone, text),
    ...(isOperator ? [accountCell(t, provider)] : []),
    timeCell(provider.createdAt),
  ]
}

export async function showProviders(call: ConsoleCall): Promise<void> {
  const { t, management, who, query, show } = call
  const isOperator = who.role === 'operator'
  const accountId = isOperator ? accountIn(call) : undefined
  const { items, ...part } = await listIdentityProviders(management, who, { accountId, ...pageIn(query) })
  const action = addAction(t, accountId)
  const page = {
    title: t('Identity providers'),
    lead: isOperator
      ? t(
          'Users sign in with an OpenID provider that they already use. A provider is for all accounts of this instance, or for one account.',
        )
      : t('Users of your account sign in with the OpenID provider of your company.'),
    actions: items.length > 0 ? [action] : [],
    notices: { deleted: t('Identity provider deleted. Sessions that began with it have ended.') },
  }
  const list = {
    caption: t('Identity providers'),
    columns: columnsFor(t, isOperator),
    rows: items.map((provider) => rowOf(t, provider, isOperator)),
    empty: {
      title: t('No identity providers yet'),
      text: t('Connect Microsoft Entra ID, Okta, Google, Keycloak or any other OpenID provider.'),
      action,
    },
    search: { path: PROVIDERS_PATH, query, filters: isOperator && items.length > 0 ? accountFilter(call, items) : [] },
    page: part,
  }
  show(listPage(page, list))
}
