import type { Finding } from '../../../inspection/findings.ts'
import type { InspectionResult } from '../../../inspection/inspect-text.ts'
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
import { INSPECT_FIELDS, INSPECT_PATH, inspectPage, LARGEST_FORM } from './inspect-page.ts'

const isOperator = ({ who }: ConsoleCall): boolean => who.role === 'operator'

async function showBox(call: ConsoleCall): Promise<void> {
  call.show(inspectPage({ isOperator: isOperator(call) }))
}

async function showResult(call: ConsoleCall): Promise<void> {
  const { management, who, form: typed, files } = call
  const expected = { api: typed.get('api')?.trim() || undefined, scope: typed.get('scope')?.trim() || undefined }
  const outcome = await attempt(INSPECT_FIELDS, { form: typed, files }, ({ text }) =>
    inspect(management, who, { text, ...expected }),
  )
  const state = { isOperator: isOperator(call), expected, typed }
  if (outcome.fieldErrors) return call.show(inspectPage({ ...state, fieldErrors: outcome.fieldErrors }))
  call.show(inspectPage({ ...state, found: outcome.done }))
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

const TO_PREVENT = {
  application: 'archive the application or generate a new client secret',
  key_pair: 'stop the key pair',
  api: 'generate a new client secret',
} as const

async function askRevocation(call: ConsoleCall): Promise<void> {
  const { jti, found, token } = await tokenIn(call)
  // It expired or was revoked since the result was shown.
  if (revocableJti(token) === undefined) return call.show(inspectPage({ isOperator: isOperator(call), found }))
  const page = confirmPage({
    title: 'Revoke this access token?',
    breadcrumbs: [{ href: INSPECT_PATH, label: 'Inspect' }],
    stops: [
      'revoke this token immediately',
      `not stop its client from getting another one. To prevent that, ${TO_PREVENT[token.client!.kind]}`,
    ],
    facts: findingFacts(token, isOperator(call)),
    action: `${INSPECT_PATH}/token/revoke`,
    submit: 'Revoke token',
    hidden: { jti },
    keep: { href: INSPECT_PATH, label: 'Cancel' },
  })
  call.show(page)
}

async function revoke(call: ConsoleCall): Promise<void> {
  const { jti, found, token } = await tokenIn(call)
  if (revocableJti(token) === undefined) return call.show(inspectPage({ isOperator: isOperator(call), found }))
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
