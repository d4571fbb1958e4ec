import { type Application, retireApplicationSecret } from '../../../management/application-operations.ts'
import { notFound } from '../../../shared/errors.ts'
import { fact, timeCell } from '../kit/cells.ts'
import type { ConsoleCall } from '../kit/console-route.ts'
import { confirmPage } from '../kit/panels.ts'
import { applicationBreadcrumbs } from './application-frame.ts'
import { applicationPath } from './application-list-page.ts'
import { applicationOf } from './application-status-pages.ts'

/** A secret that was replaced and still works for a while. @throws KeywrightError `not_found` */
function previousSecret({ secrets }: Application, { params }: ConsoleCall) {
  const secret = secrets.find(({ id, retiresAt }) => String(id) === params.secretId && retiresAt !== null)
  if (!secret) throw notFound('secret', params.secretId!)
  return secret
}

export async function askRetirement(call: ConsoleCall): Promise<void> {
  const application = await applicationOf(call)
  const { client } = application
  const { id, kind, lastFour, lastUsedAt, retiresAt } = previousSecret(application, call)
  const what = kind === 'secret' ? 'client secret' : 'API key'
  const page = confirmPage({
    title: `Retire the ${what} that ends in ${lastFour}?`,
    breadcrumbs: applicationBreadcrumbs(client),
    stops: [
      `stop accepting this ${what}`,
      ...(kind === 'secret' ? ['revoke every token obtained with it immediately'] : []),
      `not affect the current ${what} and its tokens`,
    ],
    facts: [
      fact('Last used', timeCell(lastUsedAt === null ? null : new Date(lastUsedAt))),
      fact('Valid until', timeCell(new Date(retiresAt!))),
    ],
    action: applicationPath(client.clientId, `/secrets/${id}/retire`),
    submit: `Retire ${what}`,
    keep: { href: applicationPath(client.clientId), label: 'Cancel' },
  })
  call.show(page)
}

export async function retire(call: ConsoleCall): Promise<void> {
  const { id } = previousSecret(await applicationOf(call), call)
  const clientId = call.params.clientId!
  await retireApplicationSecret(call.management, call.who, { clientId, secretId: id })
  call.goTo(applicationPath(clientId, '?notice=secret-retired'))
}
