import { PROFILE_ATTRIBUTES } from '../../../accounts/user-attributes.ts'
import type { ConsoleTranslate } from '../../../languages/console/console-translator.ts'
import { mayManagePerson } from '../../../management/tenant-isolation.ts'
import { checkUserUpdate, readUser, updateUser } from '../../../management/user-operations.ts'
import type { UserDetails } from '../../../management/user-views.ts'
import type { Form } from '../../forms.ts'
import { attributeFields } from '../kit/attribute-fields.ts'
import type { ConsoleCall } from '../kit/console-route.ts'
import { displayName } from '../kit/display-name.ts'
import { editSteps } from '../kit/edit-form-steps.ts'
import { emailField } from '../kit/text-fields.ts'
import { breadcrumbsTo, userPath } from './user-texts.ts'

/** Then only they and operators change the address (ADR 45). */
const hasSignedIn = ({ lastSignedInAt, isInvited }: UserDetails): boolean => lastSignedInAt !== null || !isInvited

/** With the present address, whatever was typed. */
function fixedAddress(t: ConsoleTranslate, { email }: UserDetails) {
  const field = emailField({
    label: t.declared(PROFILE_ATTRIBUTES.email.label),
    hint: t('The user signs in with this address. Only they can change it, under Security, or an operator.'),
    readOnly: true,
  })
  return { ...field, controls: (name: string, form: Form) => ({ ...field.controls(name, form), value: email }) }
}

const editBy = (isOperator: boolean) =>
  editSteps({
    fieldsOf: (t: ConsoleTranslate, user?: UserDetails) => ({
      ...attributeFields(PROFILE_ATTRIBUTES, { t, isOperator }),
      ...(user && !isOperator && hasSignedIn(user) && { email: fixedAddress(t, user) }),
    }),
    read: ({ management, who, params }) => readUser(management, who, { userId: params.userId! }),
    valuesOf: (user: UserDetails) => user,
    // Their page says who may change them, and what this user may do.
    isOpen: (user: UserDetails, { who }) => mayManagePerson(who, user),
    check: ({ management, who, params }, values) =>
      checkUserUpdate(management, who, { userId: params.userId!, ...values }),
    save: ({ management, who, params }, values, revision) =>
      updateUser(management, who, { userId: params.userId!, revision, ...values }),
    frameOf: (user, t) => ({
      title: t('Edit {name}', { name: displayName(user) }),
      breadcrumbs: breadcrumbsTo(t, user),
    }),
    pathOf: ({ id }) => userPath(id),
  })

const [EDIT_BY_ADMIN, EDIT_BY_OPERATOR] = [editBy(false), editBy(true)]

const editFor = ({ who }: ConsoleCall) => (who.role === 'operator' ? EDIT_BY_OPERATOR : EDIT_BY_ADMIN)

/** Operators also change what only they see. */
export const userEdit = {
  show: (call: ConsoleCall) => editFor(call).show(call),
  save: (call: ConsoleCall) => editFor(call).save(call),
}
