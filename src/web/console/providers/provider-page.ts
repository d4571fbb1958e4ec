import { type EmailDomain, MAX_DOMAINS } from '../../../identity-providers/email-domains.ts'
import { IDENTITY_PROVIDER_ATTRIBUTES as A } from '../../../identity-providers/identity-provider-attributes.ts'
import type { ConsoleTranslate } from '../../../languages/console/console-translator.ts'
import type { IdentityProviderOverview } from '../../../management/identity-provider-reading.ts'
import { attributeFacts } from '../kit/attribute-facts.ts'
import { type Block, blocksPage } from '../kit/blocks.ts'
import {
  actionsCell,
  badgeCell,
  type Cell,
  type Fact,
  fact,
  idCell,
  linkCell,
  quietCell,
  textCell,
  timeCell,
} from '../kit/cells.ts'
import type { Change } from '../kit/changes.ts'
import type { ConsoleCall } from '../kit/console-route.ts'
import { countedUpTo } from '../kit/counts.ts'
import { listView } from '../kit/list-page.ts'
import { addressesBlock } from './provider-addresses-block.ts'
import { providerOf } from './provider-form-pages.ts'
import { domainBadge, domainPath, providerBadge, providerPath, providersLink } from './provider-texts.ts'

const noticesOf = (t: ConsoleTranslate) => ({
  added: t('Identity provider added. The provider needs the addresses below.'),
  changed: t('Changes saved.'),
  secret: t('Client secret replaced.'),
  reachable: t('The provider responds, and its settings fit.'),
  enabled: t('Identity provider enabled.'),
  disabled: t('Identity provider disabled. Sessions that began with it have ended.'),
  'domain-removed': t('Email domain removed.'),
})

function accountFacts(t: ConsoleTranslate, { accountId, accountName }: IdentityProviderOverview): Fact[] {
  const account =
    accountId === null ? quietCell(t('this instance')) : linkCell(accountName ?? accountId, `/accounts/${accountId}`)
  return [fact(t('Account'), account)]
}

const NEW_USERS = { roleClaim: A.roleClaim, roleValues: A.roleValues, newUserRole: A.newUserRole }
const SECOND_FACTORS = { trustsSecondFactor: A.trustsSecondFactor, trustedAcr: A.trustedAcr }
const CONNECTION = {
  clientAuth: A.clientAuth,
  scopes: A.scopes,
  signOutAtProvider: A.signOutAtProvider,
  identityAssertions: A.identityAssertions,
}

/** Without the rest while it creates no users. */
function newUserFacts(t: ConsoleTranslate, provider: IdentityProviderOverview): Fact[] {
  const facts = attributeFacts(t, { createsUsers: A.createsUsers }, provider)
  if (!provider.createsUsers) return facts
  const claim = provider.accountId === null ? attributeFacts(t, { accountClaim: A.accountClaim }, provider) : []
  return [...facts, ...claim, ...attributeFacts(t, NEW_USERS, provider)]
}

function settingsBlock(t: ConsoleTranslate, provider: IdentityProviderOverview, isOperator: boolean): Block {
  const users = provider.users.count === 0 ? quietCell(t('none yet')) : textCell(countedUpTo(t, provider.users, 'user'))
  return {
    part: 'facts',
    heading: t('Settings'),
    facts: [
      fact(t.declared(A.issuer.label), idCell(provider.issuer, t('issuer'))),
      fact(t.declared(A.clientId.label), idCell(provider.clientId, t('client ID'))),
      ...(isOperator ? accountFacts(t, provider) : []),
      fact(t('Connected users'), users),
      ...newUserFacts(t, provider),
      ...(isOperator ? attributeFacts(t, SECOND_FACTORS, provider) : []),
      ...(isOperator && provider.accountId === null ? attributeFacts(t, { operators: A.operators }, provider) : []),
      ...attributeFacts(t, CONNECTION, provider),
      fact(t('Added'), timeCell(provider.createdAt)),
      fact(t('Identity provider ID'), idCell(provider.id, t('identity provider ID'))),
    ],
  }
}

function domainRow(t: ConsoleTranslate, providerId: string, domain: EmailDomain): Cell[] {
  const { tone, text } = domainBadge(t, domain)
  const remove = { label: t('Remove…'), href: domainPath(providerId, domain.domain, 'remove'), of: domain.domain }
  return [
    linkCell(domain.domain, domainPath(providerId, domain.domain)),
    badgeCell(tone, text),
    timeCell(domain.verifiedAt, t('not yet')),
    actionsCell(remove),
  ]
}

function domainsBlock(t: ConsoleTranslate, { id, accountId, domains }: IdentityProviderOverview): Block {
  const add = { href: providerPath(id, 'domains/new'), label: t('Add email domain') }
  return {
    part: 'list',
    heading: t('Email domains'),
    lead: t('On the sign-in page, “Use single sign-on” leads addresses of a verified domain to this provider.'),
    actions: domains.length > 0 && domains.length < MAX_DOMAINS ? [add] : [],
    list: listView({
      caption: t('Email domains'),
      columns: [
        { heading: t('Domain') },
        { heading: t('Status') },
        { heading: t('Verified') },
        { heading: t('Actions'), hiddenHeading: true },
      ],
      rows: domains.map((domain) => domainRow(t, id, domain)),
      empty: {
        title: t('No email domains yet'),
        text:
          accountId === null
            ? t('The sign-in page has a button for this provider. Addresses of a verified domain lead to it too.')
            : t('Users of an account reach its provider by the domain of their email address.'),
        action: { ...add, primary: accountId !== null },
      },
    }),
  }
}

function statusChange(t: ConsoleTranslate, { id, status }: IdentityProviderOverview): Change {
  const href = providerPath(id, 'status')
  if (status === 'disabled')
    return {
      title: t('Enable identity provider'),
      text: t('Users sign in through it again.'),
      action: { href, label: t('Enable…') },
    }
  return {
    title: t('Disable identity provider'),
    text: t('Nobody signs in through it, and sessions that began with it end.'),
    action: { href, label: t('Disable…'), danger: true },
  }
}

const changesOf = (t: ConsoleTranslate, provider: IdentityProviderOverview): Change[] => [
  {
    title: t('Test connection'),
    text: t('Reads the settings of the provider again, for example after an error at sign-in.'),
    action: { href: providerPath(provider.id, 'test'), label: t('Test…') },
  },
  {
    title: t('Replace client secret'),
    text: t('Enter the new client secret that the provider generated.'),
    action: { href: providerPath(provider.id, 'secret'), label: t('Replace…') },
  },
  statusChange(t, provider),
  {
    title: t('Delete identity provider'),
    text: t('Also disconnects its users. The users stay.'),
    action: { href: providerPath(provider.id, 'delete'), label: t('Delete…'), danger: true },
  },
]

/** Of an account, a provider is found by email domains only. */
const isUnreachable = ({ accountId, status, domains }: IdentityProviderOverview): boolean =>
  accountId !== null && status === 'enabled' && domains.every(({ verifiedAt }) => verifiedAt === null)

export async function showProvider(call: ConsoleCall): Promise<void> {
  const { t, who, show } = call
  const provider = await providerOf(call)
  const isOperator = who.role === 'operator'
  const page = {
    title: provider.name,
    badge: providerBadge(t, provider),
    breadcrumbs: [providersLink(t)],
    warning: isUnreachable(provider)
      ? t('Nobody can sign in through this provider yet: add an email domain and verify it.')
      : undefined,
    actions: [{ href: providerPath(provider.id, 'edit'), label: t('Edit'), primary: true }],
    notices: noticesOf(t),
  }
  show(
    blocksPage(page, [
      addressesBlock(call, provider.id),
      domainsBlock(t, provider),
      settingsBlock(t, provider, isOperator),
      { part: 'changes', heading: t('Manage'), changes: changesOf(t, provider) },
    ]),
  )
}
