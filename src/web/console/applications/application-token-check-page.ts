import type { IdentityCheck } from '../../../clients/identity-checks.ts'
import { type TrustComparison, UNREADABLE_KEYS } from '../../../clients/workload-token-checks.ts'
import type { ConsoleTranslate } from '../../../languages/console/console-translator.ts'
import type { Application } from '../../../management/application-operations.ts'
import { checkWorkloadToken, type WorkloadTokenCheck } from '../../../management/workload-token-check.ts'
import type { FieldError } from '../../../shared/errors.ts'
import { REFUSAL_REASONS } from '../../../shared/refusal-reasons.ts'
import { sentence } from '../../to-sentence.ts'
import type { Block } from '../kit/blocks.ts'
import { badgeCell, type Cell, textCell, timeCell } from '../kit/cells.ts'
import type { ConsolePage } from '../kit/console-page.ts'
import type { ConsoleCall } from '../kit/console-route.ts'
import { failureText } from '../kit/failure-text.ts'
import { attempt } from '../kit/form-fields.ts'
import { formView } from '../kit/form-view.ts'
import { hiddenTextField } from '../kit/hidden-text-field.ts'
import { listView } from '../kit/list-page.ts'
import { applicationBreadcrumbs } from './application-frame.ts'
import { applicationPath } from './application-list-page.ts'
import { applicationWithTrusts } from './application-new-trust-page.ts'

const fieldsOf = (t: ConsoleTranslate) => ({
  token: hiddenTextField(
    { label: t('Token of the workload'), hint: t('A JWT. It is neither stored nor logged.'), rows: 6 },
    'paste a token',
  ),
})

const TIMES = ['exp', 'iat', 'nbf']

/** The latest time that a Date can have, in seconds. */
const LATEST = 8.64e12

function foundCell(t: ConsoleTranslate, { claim, found }: IdentityCheck): Cell {
  const seconds = Number(found)
  if (TIMES.includes(claim) && Math.abs(seconds) <= LATEST) return timeCell(new Date(seconds * 1000))
  return textCell(found === 'nothing' ? t('nothing') : found)
}

function requiredText(t: ConsoleTranslate, { claim, required, patterns }: IdentityCheck, audience: string): string {
  if (claim === 'exp') return t('a time within the next 24 hours')
  if (TIMES.includes(claim)) return t('a time in the past')
  if (claim === 'aud') return t('{audience}, and no other audience', { audience })
  if (claim === 'jti') return t('an ID: this trust accepts each token once')
  return patterns?.reduce((others, pattern) => t('{others} or {pattern}', { others, pattern })) ?? required
}

const checkRow = (t: ConsoleTranslate, check: IdentityCheck, audience: string): Cell[] => [
  textCell(check.claim),
  foundCell(t, check),
  textCell(requiredText(t, check, audience)),
  check.isMet ? badgeCell('success', t('Met')) : badgeCell('error', t('Not met')),
]

function reasonText(t: ConsoleTranslate, { reason, failure }: TrustComparison): string {
  if (reason === null) return t('The issuer signed the token, and it meets every condition.')
  if (reason === 'issuer_not_trusted')
    return t('The token is of another issuer. Its name (iss) must be exactly the same; a slash at the end counts.')
  if (reason === 'identity_condition')
    return t('The issuer signed the token, but a claim is not what the trust requires.')
  const text = t.declared(REFUSAL_REASONS[reason].text)
  return failure === null || failure === UNREADABLE_KEYS || reason === 'identity_key'
    ? text
    : `${text} ${sentence(failureText(t, failure))}`
}

function comparisonBlock(t: ConsoleTranslate, comparison: TrustComparison, serverIssuer: string): Block {
  const { issuer, audience, checks } = comparison
  const caption = t('Trust in {issuer}', { issuer })
  const head = { heading: caption, lead: reasonText(t, comparison) }
  if (checks.length === 0) return { ...head, part: 'facts', facts: [] }
  const columns = [t('Claim'), t('Token'), t('Required'), t('Status')].map((heading) => ({ heading }))
  const rows = checks.map((check) => checkRow(t, check, audience ?? serverIssuer))
  return { ...head, part: 'list', list: listView({ caption, columns, rows, empty: { title: '', text: '' } }) }
}

interface CheckState {
  readonly found?: WorkloadTokenCheck
  readonly fieldErrors?: readonly FieldError[]
}

const headOf = (t: ConsoleTranslate, found: WorkloadTokenCheck | undefined) =>
  found
    ? {
        title: found.isMet ? t('The token meets a trust') : t('The token meets no trust'),
        badge: found.isMet
          ? ({ tone: 'success', text: t('Met') } as const)
          : ({ tone: 'error', text: t('Not met') } as const),
      }
    : { title: t('Check a token') }

function checkPage(
  t: ConsoleTranslate,
  { client }: Application,
  serverIssuer: string,
  { found, fieldErrors = [] }: CheckState = {},
): ConsolePage {
  const form = formView({
    fields: fieldsOf(t),
    action: applicationPath(client.clientId, '/trusts/check'),
    submit: t('Check token'),
    errorHeading: t('The token was not checked'),
    fieldErrors,
    cancel: applicationPath(client.clientId),
  })
  const comparisons = (found?.trusts ?? []).map((comparison) => comparisonBlock(t, comparison, serverIssuer))
  const again = found ? { heading: t('Check another token') } : {}
  const blocks: Block[] = [...comparisons, { ...again, part: 'form', form }]
  return {
    ...headOf(t, found),
    view: 'console/blocks',
    lead: t('Compares the token to each trust of the application. Nothing is issued.'),
    status: fieldErrors.length > 0 ? 400 : undefined,
    breadcrumbs: applicationBreadcrumbs(t, client),
    data: { blocks },
  }
}

export async function askTokenCheck(call: ConsoleCall): Promise<void> {
  call.show(checkPage(call.t, await applicationWithTrusts(call), call.management.issuerUrl!()))
}

export async function checkToken(call: ConsoleCall): Promise<void> {
  const { management, who, form, files, show, t } = call
  const application = await applicationWithTrusts(call)
  const { clientId } = application.client
  const outcome = await attempt(fieldsOf(t), { form, files }, ({ token }) =>
    checkWorkloadToken(management, who, { clientId, token }),
  )
  const state = outcome.fieldErrors ? { fieldErrors: outcome.fieldErrors } : { found: outcome.done }
  show(checkPage(t, application, management.issuerUrl!(), state))
}
