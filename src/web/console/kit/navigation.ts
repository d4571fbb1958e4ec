import { includesRole, PERMISSIONS } from '../../../accounts/permissions.ts'
import { type Role, USER_ATTRIBUTES } from '../../../accounts/user-attributes.ts'
import type { ConsoleText } from '../../../languages/console/console-text.ts'
import type { ConsoleTranslate } from '../../../languages/console/console-translator.ts'
import type { RequiredPermission } from '../../../management/operation.ts'
import { portrait } from '../../portrait.ts'
import type { WebUser } from '../../sign-in-directory.ts'
import { valueText } from './attribute-facts.ts'
import { LEAKS_PATH, leakBanner } from './leak-banner.ts'
import { WEBHOOKS_PATH, webhookBanner } from './webhook-banner.ts'

interface PageLinkWithIcon {
  readonly href: string
  readonly label: ConsoleText
  /** The name of its file below views/console/icons. */
  readonly icon: string
}

/** A page of the account, for the users who may open it. */
interface AccountLink extends PageLinkWithIcon {
  readonly permission: RequiredPermission
}

interface LinkGroup {
  readonly heading: ConsoleText
  readonly links: readonly PageLinkWithIcon[]
}

const APPLICATIONS: PageLinkWithIcon = { href: '/applications', label: 'Applications', icon: 'applications' }
const USERS: PageLinkWithIcon = { href: '/users', label: 'Users', icon: 'users' }
const PROVIDERS: PageLinkWithIcon = { href: '/identity-providers', label: 'Identity providers', icon: 'providers' }
const USAGE: PageLinkWithIcon = { href: '/usage', label: 'Usage', icon: 'usage' }
const ACTIVITY: PageLinkWithIcon = { href: '/activity', label: 'Activity', icon: 'activity' }
const WEBHOOKS: PageLinkWithIcon = { href: WEBHOOKS_PATH, label: 'Webhooks', icon: 'webhooks' }
const INSPECT: PageLinkWithIcon = { href: '/inspect', label: 'Inspect', icon: 'search' }

const LEAKS: PageLinkWithIcon = { href: LEAKS_PATH, label: 'Leaked credentials', icon: 'leaks' }

const OF_ACCOUNTS: readonly AccountLink[] = [
  { href: '/', label: 'Overview', icon: 'overview', permission: PERMISSIONS.viewOverview },
  { href: '/settings/api', label: 'API keys', icon: 'keys', permission: PERMISSIONS.viewOwnKeyPairs },
  { ...APPLICATIONS, permission: PERMISSIONS.viewApplications },
  { ...USERS, permission: PERMISSIONS.viewUsers },
  { ...PROVIDERS, permission: PERMISSIONS.viewIdentityProviders },
  { ...INSPECT, permission: PERMISSIONS.viewTokens },
  { ...LEAKS, permission: PERMISSIONS.viewTokens },
  { ...USAGE, permission: PERMISSIONS.viewApplications },
  { ...ACTIVITY, permission: PERMISSIONS.viewActivity },
  { ...WEBHOOKS, permission: PERMISSIONS.viewWebhooks },
]

const OF_OPERATORS: readonly PageLinkWithIcon[] = [
  { href: '/', label: 'Dashboard', icon: 'overview' },
  { href: '/accounts', label: 'Accounts', icon: 'accounts' },
  APPLICATIONS,
  USERS,
  PROVIDERS,
  { href: '/apis', label: 'APIs', icon: 'apis' },
  { href: '/signing-keys', label: 'Signing keys', icon: 'keys' },
  INSPECT,
  LEAKS,
  { href: '/settings/instance', label: 'Settings', icon: 'settings' },
  USAGE,
  ACTIVITY,
  WEBHOOKS,
]

const OWN: readonly PageLinkWithIcon[] = [
  { href: '/account/applications', label: 'Connected applications', icon: 'connected' },
  { href: '/account/password', label: 'Password', icon: 'password' },
  { href: '/account/security', label: 'Security', icon: 'security' },
]

const START: PageLinkWithIcon = { href: '/', label: 'Your account', icon: 'overview' }
const API_DOCS: PageLinkWithIcon = { href: '/api/v1/docs', label: 'API documentation', icon: 'docs' }

function groupsOf(role: Role): readonly LinkGroup[] {
  if (role === 'member') return [{ heading: 'Your account', links: [START, ...OWN] }]
  const ofAccount = OF_ACCOUNTS.filter(({ permission }) => includesRole(role, permission.role))
  const managed: LinkGroup =
    role === 'operator' ? { heading: 'This instance', links: OF_OPERATORS } : { heading: 'Account', links: ofAccount }
  return [managed, { heading: 'Your profile', links: OWN }, { heading: 'Developers', links: [API_DOCS] }]
}

/** The pages of key pairs, of revocations and of the usage of a client belong to the list of applications, which shows all clients. */
const listed = (path: string): string => path.replace(/^\/(key-pairs|revocations|usage)\//, '/applications/')

const isAt = (path: string, href: string): boolean =>
  path === href || (href !== '/' && listed(path).startsWith(`${href}/`))

/** Navigation and user of every console page. @param path the current path */
export function shellOf(t: ConsoleTranslate, user: WebUser, path: string) {
  const groups = groupsOf(user.role).map(({ heading, links }) => ({
    heading: t(heading),
    links: links.map(({ href, label, icon }) => ({
      href,
      icon,
      label: t(label),
      current: isAt(path, href),
    })),
  }))
  const banners = [
    { text: leakBanner(t, user, path), href: LEAKS_PATH, label: t('View reports') },
    { text: webhookBanner(t, user, path), href: WEBHOOKS_PATH, label: t('View webhooks') },
  ].filter(({ text }) => text !== undefined)
  return { groups, banners, user: portrait(user), role: valueText(t, USER_ATTRIBUTES.role, user.role) }
}
