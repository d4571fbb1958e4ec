import type { ConsoleTranslate } from '../../../languages/console/console-translator.ts'
import type { Application } from '../../../management/application-operations.ts'
import type { ConsoleCall } from '../kit/console-route.ts'
import { runTry, type TryFrame, type TrySubject, tryPage } from '../kit/try-page.ts'
import { applicationFrame, canTry } from './application-frame.ts'
import { applicationPath } from './application-list-page.ts'
import { applicationOf } from './application-status-pages.ts'

const frameOf = (t: ConsoleTranslate, { client }: Application): TryFrame => ({
  ...applicationFrame(t, client, 'try'),
  lead: t('Sends a token request as the application would, and shows the request and the response.'),
})

const subjectOf = ({ client, apis }: Application): TrySubject => ({
  client,
  apis,
  action: applicationPath(client.clientId, '/try'),
})

/** Undefined: its page is shown instead, without this tab. */
async function triedOf(call: ConsoleCall): Promise<Application | undefined> {
  const application = await applicationOf(call)
  if (canTry(application.client)) return application
  call.goTo(applicationPath(application.client.clientId))
  return undefined
}

export async function showTry(call: ConsoleCall): Promise<void> {
  const application = await triedOf(call)
  if (application) call.show(tryPage(call.t, frameOf(call.t, application), subjectOf(application)))
}

export async function tryApplication(call: ConsoleCall): Promise<void> {
  const application = await triedOf(call)
  if (application) await runTry(call, frameOf(call.t, application), subjectOf(application))
}
