import { type Application, readApplication, setApplicationStatus } from '../../management/applications.ts'
import { applicationCrumbs } from './application-frame.ts'
import { applicationPath } from './application-list-page.ts'
import type { ConsoleCall } from './console-route.ts'
import { countedUpTo } from './counts.ts'
import { confirmPage } from './panels.ts'

export const applicationOf = ({ management, who, params }: ConsoleCall): Promise<Application> =>
  readApplication(management, who, { clientId: params.clientId! })

/** Those who called in the last day, who will notice. */
export function callersStop({ callers }: Application): string {
  const count = new Set(callers.map(({ ip }) => ip)).size
  if (count === 0) return 'cut off nobody who called in the last day, for nobody did'
  return `cut off ${count === 1 ? 'the 1 address' : `the ${count} addresses`} that called in the last day`
}

export function tokensStop({ liveTokens, grants }: Application): string {
  if (liveTokens.count === 0 && grants.count === 0) return 'end no token, for none is live'
  const held = [
    ...(liveTokens.count > 0 ? [countedUpTo(liveTokens, 'access token')] : []),
    ...(grants.count > 0 ? [countedUpTo(grants, 'refresh token')] : []),
  ]
  return `end ${held.join(' and ')} at once: APIs refuse them from then on`
}

export async function askArchive(call: ConsoleCall): Promise<void> {
  const application = await applicationOf(call)
  const { client } = application
  const page = confirmPage({
    title: `Archive ${client.name}?`,
    crumbs: applicationCrumbs(client),
    text: 'For an application that is used no more, or whose secret somebody else may have. You can restore it later.',
    stops: [
      tokensStop(application),
      callersStop(application),
      client.isPublic ? 'let nobody sign in to it' : 'let nobody sign in to it, and let its secret get no tokens',
    ],
    action: applicationPath(client.clientId, '/archive'),
    submit: 'Archive',
    keep: { href: applicationPath(client.clientId), label: 'Keep it active' },
  })
  call.show(page)
}

export async function askRestore(call: ConsoleCall): Promise<void> {
  const { client } = await applicationOf(call)
  const page = confirmPage({
    title: `Restore ${client.name}?`,
    crumbs: applicationCrumbs(client),
    stops: [
      client.isPublic ? 'People can sign in to it again.' : 'Its secret works again, and people can sign in to it.',
      'What it held before stays dead: it asks for new tokens, and people sign in anew.',
    ],
    harmless: true,
    action: applicationPath(client.clientId, '/restore'),
    submit: 'Restore',
    keep: { href: applicationPath(client.clientId), label: 'Leave it archived' },
  })
  call.show(page)
}

const setStatus =
  (status: 'active' | 'archived', notice: string) =>
  async ({ management, who, params, goTo }: ConsoleCall): Promise<void> => {
    const { clientId } = await setApplicationStatus(management, who, { clientId: params.clientId!, status })
    goTo(applicationPath(clientId, `?notice=${notice}`))
  }

export const archiveApplication = setStatus('archived', 'archived')
export const restoreApplication = setStatus('active', 'restored')
