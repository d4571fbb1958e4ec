import type { Finding } from '../../../inspection/findings.ts'
import type { InspectionResult } from '../../../inspection/inspect-text.ts'
import type { TokenExpectation } from '../../../inspection/token-finding.ts'
import type { ConsoleTranslate } from '../../../languages/console/console-translator.ts'
import type { FieldError } from '../../../shared/errors.ts'
import { LONGEST_INSPECTED } from '../../../shared/longest-inspected.ts'
import type { Form } from '../../forms.ts'
import { actionsCell, badgeCell, type Cell, idCell, linkCell, quietCell, timeCell } from '../kit/cells.ts'
import type { ConsolePage } from '../kit/console-page.ts'
import { clientName } from '../kit/display-name.ts'
import { formView, type Section } from '../kit/form-view.ts'
import { hiddenTextField } from '../kit/hidden-text-field.ts'
import { type Column, type ListView, listView } from '../kit/list-page.ts'
import { textField } from '../kit/text-fields.ts'
import { findingActs, revocableJti } from './finding-acts.ts'
import { clientPath, findingFacts } from './finding-facts.ts'
import { kindText, resultBadge, resultText, resultTitle, worksBadge } from './finding-texts.ts'

export const INSPECT_PATH = '/inspect'

/** Bytes: each byte of a text takes up to three in a form. */
export const LARGEST_FORM = 3 * LONGEST_INSPECTED + 8 * 1024

const EMPTY = 'paste or type a text'

export const inspectFields = (t: ConsoleTranslate) => ({
  text: hiddenTextField({ label: t('Text to inspect'), hint: t('It is neither stored nor logged.'), rows: 4 }, EMPTY),
  api: textField({ label: t('API'), hint: t('The identifier of the API that refused the token.'), mono: true }),
  scope: textField({ label: t('Scope'), hint: t('A scope that the API needs.'), mono: true, maxLength: 500 }),
})

const sectionsIn = (t: ConsoleTranslate): readonly Section<'text' | 'api' | 'scope'>[] => [
  { fields: ['text'] },
  {
    heading: t('API and scope'),
    lead: t('Checks an access token against what an API expects.'),
    fields: ['api', 'scope'],
    collapsed: true,
  },
]

const leadIn = (t: ConsoleTranslate): string =>
  t(
    'Find out whose a credential is, whether it works, and why not. Paste an access token (JWT) or its jti, a client ID, a client secret or API key or its last four characters, the name of an application, or an email address.',
  )

const columnsFor = (t: ConsoleTranslate, isOperator: boolean, hasSecrets: boolean): Column[] => [
  { heading: t('Match') },
  { heading: t('Client ID') },
  ...(isOperator ? [{ heading: t('Account') }] : []),
  { heading: t('Status') },
  ...(hasSecrets ? [{ heading: t('Generated') }] : []),
  { heading: t('Actions'), hiddenHeading: true },
]

const accountCell = (t: ConsoleTranslate, { account }: Finding): Cell =>
  account === null ? quietCell(t('this instance')) : linkCell(account.name, `/accounts/${account.id}`)

function rowOf(t: ConsoleTranslate, finding: Finding, isOperator: boolean): Cell[] {
  const { client, secret, works } = finding
  const { clientId } = client!
  const name = clientName(t, client!)
  const { tone, text } = worksBadge(t, works)
  return [
    linkCell(name, clientPath(client!), kindText(t, finding)),
    idCell(clientId, t('client ID')),
    ...(isOperator ? [accountCell(t, finding)] : []),
    badgeCell(tone, text),
    ...(secret ? [timeCell(new Date(secret.createdAt))] : []),
    actionsCell(...findingActs(t, finding).map((act) => ({ ...act, of: name }))),
  ]
}

/** Either all are secrets, or none is. */
const matchesList = (t: ConsoleTranslate, findings: readonly Finding[], isOperator: boolean): ListView =>
  listView({
    caption: t('Matches'),
    columns: columnsFor(t, isOperator, findings[0]!.secret !== null),
    rows: findings.map((finding) => rowOf(t, finding, isOperator)),
    empty: { title: '', text: '' },
  })

/** One finding with its facts and actions, several as a list, or nothing. */
function resultView(t: ConsoleTranslate, { findings }: InspectionResult, isOperator: boolean) {
  const [first, second] = findings
  if (!first) return undefined
  if (second) return { list: matchesList(t, findings, isOperator) }
  return { facts: findingFacts(t, first, isOperator), acts: findingActs(t, first), jti: revocableJti(first) }
}

interface InspectState {
  readonly isOperator: boolean
  readonly found?: InspectionResult
  readonly expected?: TokenExpectation
  readonly typed?: Form
  readonly fieldErrors?: readonly FieldError[]
}

const headOf = (t: ConsoleTranslate, found: InspectionResult | undefined, expected: TokenExpectation) =>
  found
    ? {
        title: resultTitle(t, found),
        badge: resultBadge(t, found),
        lead: resultText(t, found, expected),
        breadcrumbs: [{ href: INSPECT_PATH, label: t('Inspect') }],
      }
    : { title: t('Inspect'), lead: leadIn(t) }

/** The search box, below the last result. */
export function inspectPage(
  t: ConsoleTranslate,
  { isOperator, found, expected = {}, typed, fieldErrors = [] }: InspectState,
): ConsolePage {
  const form = formView({
    fields: inspectFields(t),
    sections: sectionsIn(t),
    action: INSPECT_PATH,
    submit: t('Inspect'),
    errorHeading: t('Nothing was inspected'),
    fieldErrors,
    ...(typed && { typed }),
  })
  const { badge, ...head } = { badge: undefined, ...headOf(t, found, expected) }
  return {
    ...head,
    ...(badge && { badge }),
    view: 'console/inspect',
    status: fieldErrors.length > 0 ? 400 : undefined,
    data: { isAgain: found !== undefined, result: found && resultView(t, found, isOperator), form },
  }
}
