import { INITIAL_ACCESS_TOKEN_ATTRIBUTES } from '../../../clients/registration-attributes.ts'
import type { ConsoleTranslate } from '../../../languages/console/console-translator.ts'
import { type ChoosableApi, readNewApplicationForm } from '../../../management/application-forms.ts'
import type { FieldErrorCollector } from '../../../shared/field-error-collector.ts'
import { attributeFields } from '../kit/attribute-fields.ts'
import type { ConsoleCall } from '../kit/console-route.ts'
import type { ValuesOf } from '../kit/form-fields.ts'
import { accessFields, chosenAccess } from './access-fields.ts'

/** The APIs that applications which register themselves may call: never the management API. */
export async function registrableApis({ management, who }: ConsoleCall): Promise<ChoosableApi[]> {
  const { choosableApis } = await readNewApplicationForm(management, who, {})
  return choosableApis.filter(({ builtIn }) => !builtIn)
}

/** What applications that register themselves may have. */
export function permittedFields(t: ConsoleTranslate, choosable: readonly ChoosableApi[]) {
  const { grants } = INITIAL_ACCESS_TOKEN_ATTRIBUTES
  const { apis, ...others } = accessFields(t, choosable, { required: false })
  return {
    ...attributeFields({ grants }, { t, isOperator: false }),
    apis: { ...apis, hint: t('Select none for the default API of the instance.') },
    ...others,
  }
}

type PermittedValues = ValuesOf<ReturnType<typeof permittedFields>>

/** What a new form permits. */
export const INITIALLY_PERMITTED: PermittedValues = {
  grants: INITIAL_ACCESS_TOKEN_ATTRIBUTES.grants.initial ?? [],
  apis: [],
  defaultApi: '',
  narrowing: 'all',
  scopes: [],
}

/** The values of the form as the operations take them. */
export function permittedIn(
  { grants, ...access }: Partial<PermittedValues>,
  fieldErrors: FieldErrorCollector,
): { grants?: readonly string[]; apis?: string[]; scopes?: readonly string[] | null } {
  return { ...(grants && { grants }), ...chosenAccess(access, fieldErrors) }
}
