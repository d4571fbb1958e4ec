import type { ConsoleTranslate } from '../../../languages/console/console-translator.ts'
import type { Bounded } from '../../../management/bounded-counts.ts'
import { deleteApplication } from '../../../management/deletion-operations.ts'
import { boundedValues } from '../kit/bounded-values.ts'
import type { ConsoleCall } from '../kit/console-route.ts'
import { confirmPage } from '../kit/panels.ts'
import { applicationBreadcrumbs } from './application-frame.ts'
import { applicationPath } from './application-list-page.ts'
import { applicationOf } from './application-status-pages.ts'
import { affectedCallers } from './recent-callers-list.ts'

const consentsStop = (t: ConsoleTranslate, users: Bounded): string =>
  t(
    'delete the consent of {more, select, yes {more than } other {}}{count, plural, one {# user} other {# users}}',
    boundedValues(users),
  )

export async function askDelete(call: ConsoleCall): Promise<void> {
  const { t } = call
  const application = await applicationOf(call)
  const { client, users } = application
  const { clientId, name, isPublic } = client
  const page = confirmPage({
    title: t('Delete {name}?', { name }),
    breadcrumbs: applicationBreadcrumbs(t, client),
    text: t('You cannot undo this. An application that you may need again can stay archived.'),
    stops: [
      t('delete the client ID {clientId}, which is never used again', { clientId }),
      isPublic ? t('delete its settings') : t('delete its settings and client secrets'),
      ...(users.count === 0 ? [] : [consentsStop(t, users)]),
      t('keep its tokens revoked, and its events in the activity log'),
    ],
    action: applicationPath(clientId, '/delete'),
    submit: t('Delete application'),
    keep: { href: applicationPath(clientId), label: t('Cancel') },
    ...affectedCallers(t, application),
  })
  call.show(page)
}

export async function deleteIt({ management, who, params, goTo }: ConsoleCall): Promise<void> {
  const state = await deleteApplication(management, who, { clientId: params.clientId! })
  goTo(`/applications?notice=${state}`)
}
