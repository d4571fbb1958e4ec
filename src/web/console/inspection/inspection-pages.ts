import type { Finding } from '../../../inspection/findings.ts'
import type { InspectionResult } from '../../../inspection/inspect-text.ts'
import type { ConsoleText } from '../../../languages/console/console-text.ts'
import { inspect } from '../../../management/inspection-operations.ts'
import { revokeOneToken } from '../../../management/token-operations.ts'
import { notFound } from '../../../shared/errors.ts'
import { isId } from '../../../shared/ids.ts'
import { applicationPath, keyPairPath } from '../applications/application-list-page.ts'
import type { ConsoleCall, ConsoleRoute } from '../kit/console-route.ts'
import { attempt } from '../kit/form-fields.ts'
import { confirmPage } from '../kit/panels.ts'
import { revocableJti } from './finding-acts.ts'
import { findingFacts } from './finding-facts.ts'
import { INSPECT_PATH, inspectFields, inspectPage, LARGEST_FORM } from './inspect-page.ts'

const isOperator = ({ who }: ConsoleCall): boolean => who.role === 'operator'

async function showBox(call: ConsoleCall): Promise<void> {
  call.show(inspectPage(call.t, { isOperator: isOperator(call) }))
}

async function showResult(call: ConsoleCall): Promise<void> {
  const { management, who, form: typed, files, t } = call
  const expected = { api: typed.get('api')?.trim() || undefined, scope: typed.get('scope')?.trim() || undefined }
  const outcome = await attempt(inspectFields(t), { form: typed, files }, ({ text }) =>
    inspect(management, who, { text, ...expected }),
  )
  const state = { isOperator: isOperator(call), expected, typed }
  if (outcome.fieldErrors) return call.show(inspectPage(t, { ...state, fieldErrors: outcome.fieldErrors }))
  call.show(inspectPage(t, { ...state, found: outcome.done }))
}

/** @throws KeywrightError `not_found` */
async function tokenIn(call: ConsoleCall): Promise<{ jti: string; found: InspectionResult; token: Finding }> {
  const jti = call.form.get('jti') ?? ''
  if (!isId(jti)) throw notFound('token', jti)
  const found = await inspect(call.management, call.who, { text: jti })
  const [token] = found.findings
  if (!token) throw notFound('token', jti)
  return { jti, found, token }
}

const GETS_ANOTHER = {
  application:
    'not stop its client from getting another one. To prevent that, archive the application or generate a new client secret',
  key_pair: 'not stop its client from getting another one. To prevent that, stop the key pair',
  api: 'not stop its client from getting another one. To prevent that, generate a new client secret',
} as const satisfies Record<string, ConsoleText>

async function askRevocation(call: ConsoleCall): Promise<void> {
  const { t } = call
  const { jti, found, token } = await tokenIn(call)
  // It expired or was revoked since the result was shown.
  if (revocableJti(token) === undefined) return call.show(inspectPage(call.t, { isOperator: isOperator(call), found }))
  const page = confirmPage({
    title: t('Revoke this access token?'),
    breadcrumbs: [{ href: INSPECT_PATH, label: t('Inspect') }],
    stops: [t('revoke this token immediately'), t(GETS_ANOTHER[token.client!.kind])],
    facts: findingFacts(t, token, isOperator(call)),
    action: `${INSPECT_PATH}/token/revoke`,
    submit: t('Revoke token'),
    hidden: { jti },
    keep: { href: INSPECT_PATH, label: t('Cancel') },
  })
  call.show(page)
}

async function revoke(call: ConsoleCall): Promise<void> {
  const { jti, found, token } = await tokenIn(call)
  if (revocableJti(token) === undefined) return call.show(inspectPage(call.t, { isOperator: isOperator(call), found }))
  const { clientId, kind } = token.client!
  await revokeOneToken(call.management, call.who, { clientId, jti })
  const notice = '?notice=token-revoked'
  call.goTo(kind === 'key_pair' ? keyPairPath(clientId, notice) : applicationPath(clientId, `/tokens${notice}`))
}

const TOKEN_PATH = `${INSPECT_PATH}/token`

/** What a text is, and the pages that revoke the access token that it names. The jti is in the form, not in the address. */
export const INSPECTION_PAGES: readonly ConsoleRoute[] = [
  { method: 'get', path: INSPECT_PATH, permission: inspect.permission, handle: showBox },
  { method: 'post', path: INSPECT_PATH, permission: inspect.permission, largestForm: LARGEST_FORM, handle: showResult },
  { method: 'post', path: TOKEN_PATH, permission: revokeOneToken.permission, handle: askRevocation },
  { method: 'post', path: `${TOKEN_PATH}/revoke`, permission: revokeOneToken.permission, handle: revoke },
]
