import type { Language } from '../languages.ts'
import { catalogueOf, type MessageKey } from '../translator.ts'
import type { ConsoleText } from './console-text.ts'

/**
 * The texts of the console around a user's own pages, which are in every language: those of the layout, of its navigation, and of the
 * parts that these pages are made of. Each has a message in the catalogues.
 */
export const LAYOUT_MESSAGES = {
  'Skip to main content': 'layout.skip',
  Console: 'layout.console',
  Menu: 'layout.menu',
  Breadcrumb: 'layout.breadcrumb',
  Copied: 'layout.copied',
  'Copying is blocked by your browser. Select the text instead.': 'layout.copyBlocked',
  'This will:': 'layout.thisWill',
  'Effects:': 'layout.effects',
  'just now': 'layout.justNow',
  never: 'layout.never',
  'Sign out': 'signOut.submit',
  'Back to {company}': 'consoleSession.back',
  'Your account': 'account.title',
  'Your profile': 'navigation.profile',
  Account: 'navigation.account',
  'This instance': 'navigation.instance',
  Developers: 'navigation.developers',
  Overview: 'navigation.overview',
  Dashboard: 'navigation.dashboard',
  Accounts: 'navigation.accounts',
  'API keys': 'navigation.apiKeys',
  Applications: 'navigation.applications',
  Users: 'navigation.users',
  'Identity providers': 'navigation.identityProviders',
  APIs: 'navigation.apis',
  'Signing keys': 'navigation.signingKeys',
  Inspect: 'navigation.inspect',
  'Leaked credentials': 'navigation.leaks',
  Settings: 'navigation.settings',
  Usage: 'navigation.usage',
  Activity: 'navigation.activity',
  Webhooks: 'navigation.webhooks',
  'API documentation': 'navigation.documentation',
  'Connected applications': 'connections.title',
  Password: 'signIn.password',
  Security: 'security.title',
  Member: 'role.member',
  Admin: 'role.admin',
  Developer: 'role.developer',
  Viewer: 'role.viewer',
  Operator: 'role.operator',
  'A client secret, API key or token of your account was reported as leaked.': 'banner.leakOfAccount',
  'A client secret, API key or token of this instance was reported as leaked.': 'banner.leakOfInstance',
  'View reports': 'banner.viewReports',
  'A webhook of your account was disabled because its receiver failed.': 'banner.webhookOfAccount',
  'A webhook of this instance was disabled because its receiver failed.': 'banner.webhookOfInstance',
  'View webhooks': 'banner.viewWebhooks',
  Browser: 'sessions.browser',
  'IP address': 'sessions.ip',
  'Signed in': 'sessions.signedIn',
  'Last used': 'security.lastUsed',
  unknown: 'sessions.unknownIp',
  '{browser} on {system}': 'sessions.browserOn',
  'Unknown browser': 'sessions.unknownBrowser',
  'Unknown browser on {system}': 'sessions.unknownBrowserOn',
} as const satisfies Partial<Record<ConsoleText, MessageKey>>

/** The texts in a language, by their English text. */
export function layoutCatalogue(language: Language): Readonly<Record<string, string>> {
  const messages = catalogueOf(language)
  return Object.fromEntries(Object.entries(LAYOUT_MESSAGES).map(([text, key]) => [text, messages[key]]))
}
