import type { Finding } from '../../../inspection/findings.ts'
import type { InspectionResult } from '../../../inspection/inspect-text.ts'
import type { TokenExpectation } from '../../../inspection/token-finding.ts'
import type { FieldError } from '../../../shared/errors.ts'
import { LONGEST_INSPECTED } from '../../../shared/longest-inspected.ts'
import type { Form } from '../../forms.ts'
import { actionsCell, badgeCell, type Cell, idCell, linkCell, quietCell, timeCell } from '../kit/cells.ts'
import type { ConsolePage } from '../kit/console-page.ts'
import type { Field } from '../kit/form-fields.ts'
import { formView } from '../kit/form-view.ts'
import { type Column, type ListView, listView } from '../kit/list-page.ts'
import { areaField, textField } from '../kit/text-fields.ts'
import { findingActs, revocableJti } from './finding-acts.ts'
import { clientPath, findingFacts } from './finding-facts.ts'
import { kindText, resultBadge, resultText, resultTitle, worksBadge } from './finding-texts.ts'

export const INSPECT_PATH = '/inspect'

/** Bytes: each byte of a text takes up to three in a form. */
export const LARGEST_FORM = 3 * LONGEST_INSPECTED + 8 * 1024

const EMPTY = 'paste or type a text'

/** A text that is never shown again: neither drawn nor kept by the browser. The operation checks its length. */
function inspectedField(): Field<string> {
  const area = areaField({
    label: 'Text to inspect',
    hint: 'It is neither stored nor logged.',
    rows: 4,
    mono: true,
    autocomplete: 'off',
  })
  return {
    ...area,
    read(name, { form }) {
      const text = form.get(name) ?? ''
      return text.trim() === '' ? { fieldError: EMPTY } : { value: text }
    },
    controls: (name) => area.controls(name, new Map()),
    words: () => '',
  }
}

export const INSPECT_FIELDS = {
  text: inspectedField(),
  api: textField({ label: 'API', hint: 'The identifier of the API that refused the token.', mono: true }),
  scope: textField({ label: 'Scope', hint: 'A scope that the API needs.', mono: true, maxLength: 500 }),
}

const SECTIONS = [
  { fields: ['text'] },
  {
    heading: 'API and scope',
    lead: 'Checks an access token against what an API expects.',
    fields: ['api', 'scope'],
    collapsed: true,
  },
] as const

const LEAD =
  'Find out whose a credential is, whether it works, and why not. Paste an access token (JWT) or its jti, a client ID, a client secret or API key or its last four characters, the name of an application, or an email address.'

const columnsFor = (isOperator: boolean, hasSecrets: boolean): Column[] => [
  { heading: 'Match' },
  { heading: 'Client ID' },
  ...(isOperator ? [{ heading: 'Account' }] : []),
  { heading: 'Status' },
  ...(hasSecrets ? [{ heading: 'Generated' }] : []),
  { heading: 'Actions', hiddenHeading: true },
]

const accountCell = ({ account }: Finding): Cell =>
  account === null ? quietCell('this instance') : linkCell(account.name, `/accounts/${account.id}`)

function rowOf(finding: Finding, isOperator: boolean): Cell[] {
  const { client, secret, works } = finding
  const { name, clientId } = client!
  const { tone, text } = worksBadge(works)
  return [
    linkCell(name, clientPath(client!), kindText(finding)),
    idCell(clientId, 'client ID'),
    ...(isOperator ? [accountCell(finding)] : []),
    badgeCell(tone, text),
    ...(secret ? [timeCell(new Date(secret.createdAt))] : []),
    actionsCell(...findingActs(finding).map((act) => ({ ...act, of: name }))),
  ]
}

/** Either all are secrets, or none is. */
const matchesList = (findings: readonly Finding[], isOperator: boolean): ListView =>
  listView({
    caption: 'Matches',
    columns: columnsFor(isOperator, findings[0]!.secret !== null),
    rows: findings.map((finding) => rowOf(finding, isOperator)),
    empty: { title: '', text: '' },
  })

/** One finding with its facts and actions, several as a list, or nothing. */
function resultView({ findings }: InspectionResult, isOperator: boolean) {
  const [first, second] = findings
  if (!first) return undefined
  if (second) return { list: matchesList(findings, isOperator) }
  return { facts: findingFacts(first, isOperator), acts: findingActs(first), jti: revocableJti(first) }
}

interface InspectState {
  readonly isOperator: boolean
  readonly found?: InspectionResult
  readonly expected?: TokenExpectation
  readonly typed?: Form
  readonly fieldErrors?: readonly FieldError[]
}

const headOf = (found: InspectionResult | undefined, expected: TokenExpectation) =>
  found
    ? {
        title: resultTitle(found),
        badge: resultBadge(found),
        lead: resultText(found, expected),
        breadcrumbs: [{ href: INSPECT_PATH, label: 'Inspect' }],
      }
    : { title: 'Inspect', lead: LEAD }

/** The search box, below the last result. */
export function inspectPage({ isOperator, found, expected = {}, typed, fieldErrors = [] }: InspectState): ConsolePage {
  const form = formView({
    fields: INSPECT_FIELDS,
    sections: SECTIONS,
    action: INSPECT_PATH,
    submit: 'Inspect',
    errorHeading: 'Nothing was inspected',
    fieldErrors,
    ...(typed && { typed }),
  })
  const { badge, ...head } = { badge: undefined, ...headOf(found, expected) }
  return {
    ...head,
    ...(badge && { badge }),
    view: 'console/inspect',
    status: fieldErrors.length > 0 ? 400 : undefined,
    data: { isAgain: found !== undefined, result: found && resultView(found, isOperator), form },
  }
}
