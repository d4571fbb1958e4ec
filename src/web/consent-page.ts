import type { DescribedScope } from '../apis/scope-texts.ts'
import { linksTo } from './application-links.ts'
import { isLoopback } from './loopback-address.ts'
import type { Page } from './page.ts'
import { formTargets } from './page-headers.ts'
import { permissionGroups } from './permission-groups.ts'
import { portrait } from './portrait.ts'
import type { Application, WebUser } from './sign-in-directory.ts'
import type { Interaction } from './sign-in-flow.ts'

interface Question {
  readonly interaction: Interaction
  readonly application: Application
  readonly user: WebUser
  readonly texts: readonly DescribedScope[]
  readonly path: string
  /** Somebody else has signed in in this browser since the page was shown. */
  readonly userChanged: boolean
}

/** Where the answer goes, in words. `host` is what a user may check; there is none on their own device. */
function destination(redirectUri: string | undefined): { words: string; host?: string } {
  if (redirectUri === undefined) return { words: 'a device that shows a code' }
  const url = URL.parse(redirectUri)
  const isSite = url && /^https?:$/.test(url.protocol) && !isLoopback(url)
  return isSite ? { words: 'the site', host: url.host } : { words: 'an application on this device' }
}

/** Who asks, what for, as whom, and two buttons. */
export function allowPage({ interaction, application, user, texts, path, userChanged }: Question): Page {
  const groups = permissionGroups(interaction.wanted, texts)
  return {
    view: 'consent',
    title: `Allow ${application.name}?`,
    formTargets: formTargets(interaction.redirectUri),
    data: {
      path,
      application,
      groups,
      links: linksTo(application.pages),
      userChanged,
      user: portrait(user),
      destination: destination(interaction.redirectUri),
      isDevice: interaction.redirectUri === undefined,
    },
  }
}
