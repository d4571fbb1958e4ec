import { MAX_KEY_SET_LENGTH } from '../../../clients/client-keys.ts'
import { SOFTWARE_STATEMENT_ISSUER_ATTRIBUTES } from '../../../clients/software-statement-attributes.ts'
import type { ConsoleTranslate } from '../../../languages/console/console-translator.ts'
import { findAccount } from '../../../management/account-operations.ts'
import type { ChoosableApi } from '../../../management/application-forms.ts'
import { trustSoftwareStatementIssuer } from '../../../management/software-statement-issuer-operations.ts'
import type { FieldError } from '../../../shared/errors.ts'
import type { FieldErrorCollector } from '../../../shared/field-error-collector.ts'
import type { Form } from '../../forms.ts'
import {
  INITIALLY_PERMITTED,
  permittedFields,
  permittedIn,
  registrableApis,
} from '../applications/registration-fields.ts'
import { attributeFields } from '../kit/attribute-fields.ts'
import type { ConsolePage, PageLink } from '../kit/console-page.ts'
import type { ConsoleCall } from '../kit/console-route.ts'
import { submit, type ValuesOf, writeFields } from '../kit/form-fields.ts'
import { formView } from '../kit/form-view.ts'
import { areaField, textField } from '../kit/text-fields.ts'

export const STATEMENTS_PATH = '/settings/software-statements'

export const statementLinks = (t: ConsoleTranslate): PageLink[] => [
  { href: '/settings/instance', label: t('Settings') },
  { href: STATEMENTS_PATH, label: t('Software statements') },
]

function fieldsOf(t: ConsoleTranslate, apis: readonly ChoosableApi[]) {
  const { issuer, jwksUri } = SOFTWARE_STATEMENT_ISSUER_ATTRIBUTES
  return {
    ...attributeFields({ issuer, jwksUri }, { t, isOperator: true }),
    jwks: areaField({
      label: t('Public keys'),
      hint: t('If the issuer publishes none: a JWK set (JSON), for ES256, EdDSA, PS256 or RS256.'),
      maxLength: MAX_KEY_SET_LENGTH,
      mono: true,
      rows: 6,
    }),
    accountId: textField({
      label: t('Account'),
      hint: t('The account of the applications that register. Enter the ID or the exact name.'),
      required: true,
      maxLength: 200,
    }),
    ...permittedFields(t, apis),
  }
}

type Values = Partial<ValuesOf<ReturnType<typeof fieldsOf>>>

const SECTIONS = {
  issuer: ['issuer', 'jwksUri', 'jwks'],
  applications: ['accountId', 'grants', 'apis', 'defaultApi', 'narrowing', 'scopes'],
} as const

function newPage(
  t: ConsoleTranslate,
  apis: readonly ChoosableApi[],
  typed: Form,
  fieldErrors: readonly FieldError[] = [],
): ConsolePage {
  const form = formView({
    fields: fieldsOf(t, apis),
    typed,
    fieldErrors,
    sections: [
      { heading: t('Issuer'), fields: SECTIONS.issuer },
      {
        heading: t('Applications'),
        lead: t('What the applications that register by its statements may have.'),
        fields: SECTIONS.applications,
      },
    ],
    action: `${STATEMENTS_PATH}/new`,
    submit: t('Trust issuer'),
    cancel: STATEMENTS_PATH,
  })
  return {
    view: 'console/edit',
    title: t('Trust issuer'),
    lead: t(
      'Anybody who has a copy of the software has its statement, so the statement says what the application is, and not who runs it.',
    ),
    status: fieldErrors.length > 0 ? 400 : undefined,
    breadcrumbs: statementLinks(t),
    data: { form },
  }
}

export async function askIssuer(call: ConsoleCall): Promise<void> {
  const { t, show } = call
  const apis = await registrableApis(call)
  const initial = { ...INITIALLY_PERMITTED, issuer: '', jwksUri: null, jwks: '', accountId: '' }
  show(newPage(t, apis, writeFields(fieldsOf(t, apis), initial)))
}

async function inputOf({ management, who }: ConsoleCall, values: Values, fieldErrors: FieldErrorCollector) {
  const { issuer = '', jwksUri, jwks, accountId: named, ...permitted } = values
  const account = named && (await fieldErrors.collect(() => findAccount(management, who, { named })))
  return {
    issuer,
    ...(jwksUri !== undefined && { jwksUri }),
    jwks: jwks || undefined,
    accountId: account ? account.id : '',
    ...permittedIn(permitted, fieldErrors),
  }
}

export async function trustIssuer(call: ConsoleCall): Promise<void> {
  const { t, management, who, form, files, show, goTo } = call
  const apis = await registrableApis(call)
  const outcome = await submit(
    fieldsOf(t, apis),
    { form, files },
    {
      prepare: (values, fieldErrors) => inputOf(call, values, fieldErrors),
      check: async () => {},
      execute: (input) => trustSoftwareStatementIssuer(management, who, input),
    },
  )
  if (outcome.fieldErrors) return show(newPage(t, apis, form, outcome.fieldErrors))
  goTo(`${STATEMENTS_PATH}?notice=trusted`)
}
