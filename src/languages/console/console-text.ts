import type accounts from './de/accounts.json'
import type activity from './de/activity.json'
import type apis from './de/apis.json'
import type applications from './de/applications.json'
import type dashboard from './de/dashboard.json'
import type declared from './de/declared.json'
import type inspection from './de/inspection.json'
import type keys from './de/keys.json'
import type kit from './de/kit.json'
import type leaks from './de/leaks.json'
import type mail from './de/mail.json'
import type providers from './de/providers.json'
import type revocation from './de/revocation.json'
import type settings from './de/settings.json'
import type usage from './de/usage.json'
import type users from './de/users.json'
import type webhooks from './de/webhooks.json'

/** A text of the console: its English source text in ICU MessageFormat, which is the key of its German translation. */
export type ConsoleText =
  | keyof typeof accounts
  | keyof typeof activity
  | keyof typeof apis
  | keyof typeof applications
  | keyof typeof dashboard
  | keyof typeof declared
  | keyof typeof inspection
  | keyof typeof keys
  | keyof typeof kit
  | keyof typeof leaks
  | keyof typeof mail
  | keyof typeof providers
  | keyof typeof revocation
  | keyof typeof settings
  | keyof typeof usage
  | keyof typeof users
  | keyof typeof webhooks
