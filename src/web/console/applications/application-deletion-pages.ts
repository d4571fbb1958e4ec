import { toConsoleEnglish } from '../../../languages/console/console-translator.ts'
import { deleteApplication } from '../../../management/deletion-operations.ts'
import type { ConsoleCall } from '../kit/console-route.ts'
import { countedUpTo } from '../kit/counts.ts'
import { confirmPage } from '../kit/panels.ts'
import { applicationBreadcrumbs } from './application-frame.ts'
import { applicationPath } from './application-list-page.ts'
import { applicationOf } from './application-status-pages.ts'
import { affectedCallers } from './recent-callers-list.ts'

export async function askDelete(call: ConsoleCall): Promise<void> {
  const application = await applicationOf(call)
  const { client, users } = application
  const page = confirmPage({
    title: `Delete ${client.name}?`,
    breadcrumbs: applicationBreadcrumbs(client),
    text: 'You cannot undo this. An application that you may need again can stay archived.',
    stops: [
      `delete the client ID ${client.clientId}, which is never used again`,
      client.isPublic ? 'delete its settings' : 'delete its settings and client secrets',
      ...(users.count === 0 ? [] : [`delete the consent of ${countedUpTo(toConsoleEnglish(), users, 'user')}`]),
      'keep its tokens revoked, and its events in the activity log',
    ],
    action: applicationPath(client.clientId, '/delete'),
    submit: 'Delete application',
    keep: { href: applicationPath(client.clientId), label: 'Cancel' },
    ...affectedCallers(application),
  })
  call.show(page)
}

export async function deleteIt({ management, who, params, goTo }: ConsoleCall): Promise<void> {
  const state = await deleteApplication(management, who, { clientId: params.clientId! })
  goTo(`/applications?notice=${state}`)
}
