import type { ConsoleTranslate } from '../../../languages/console/console-translator.ts'
import type { Application } from '../../../management/application-operations.ts'
import { KeywrightError } from '../../../shared/errors.ts'
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

/** @throws KeywrightError `conflict`: only what needs no user can be tried without one */
async function triedOf(call: ConsoleCall): Promise<Application> {
  const application = await applicationOf(call)
  if (!canTry(application.client)) {
    throw new KeywrightError(
      'conflict',
      'this application does not use client credentials; sign in to the application to test it',
    )
  }
  return application
}

export async function showTry(call: ConsoleCall): Promise<void> {
  const application = await triedOf(call)
  call.show(tryPage(call.t, frameOf(call.t, application), subjectOf(application)))
}

export async function tryApplication(call: ConsoleCall): Promise<void> {
  const application = await triedOf(call)
  await runTry(call, frameOf(call.t, application), subjectOf(application))
}
