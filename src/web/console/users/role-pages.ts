import { mayOwnKeyPairs } from '../../../accounts/permissions.ts'
import { ACCOUNT_ROLE, type AccountRole } from '../../../accounts/user-attributes.ts'
import type { ConsoleTranslate } from '../../../languages/console/console-translator.ts'
import { setRole } from '../../../management/user-operations.ts'
import type { UserDetails } from '../../../management/user-views.ts'
import { choiceValues } from '../../../shared/attributes.ts'
import { invalidInput, isStale, KeywrightError } from '../../../shared/errors.ts'
import { affectedBy } from '../kit/affected-callers.ts'
import { attributeFields } from '../kit/attribute-fields.ts'
import { boundedValues } from '../kit/bounded-values.ts'
import type { Change } from '../kit/changes.ts'
import type { ConsolePage } from '../kit/console-page.ts'
import type { ConsoleCall } from '../kit/console-route.ts'
import { displayName } from '../kit/display-name.ts'
import { revisionOf, writeFields } from '../kit/form-fields.ts'
import { formView } from '../kit/form-view.ts'
import { choiceIn } from '../kit/query-fields.ts'
import { askPage, checkUnprotected, userWithCallers } from './user-form-pages.ts'
import { userPath } from './user-texts.ts'

const fieldsIn = (t: ConsoleTranslate) => attributeFields({ role: ACCOUNT_ROLE }, { t, isOperator: false })

/** The change of the role, on the page of a user. @param protection why the user keeps the role */
export function roleChange(t: ConsoleTranslate, { id, role }: UserDetails, protection: string | undefined): Change {
  if (role === 'operator') {
    const text = t('Operators have no account. To give this user a role in an account, invite them to it.')
    return { title: t('Role'), text }
  }
  const title = t('Change role')
  if (role === 'admin' && protection) return { title, text: protection }
  const action = { href: userPath(id, 'role'), label: t('Change role…') }
  return { title, text: t('The new role applies immediately.'), action }
}

/** What a user loses who may no longer own key pairs. */
function lossText(t: ConsoleTranslate, user: UserDetails): string | undefined {
  const { role, keyPair, namedKeyPairs, ownTokens } = user
  const pairs = (keyPair === null ? 0 : 1) + namedKeyPairs
  if (pairs === 0 || !mayOwnKeyPairs(role)) return undefined
  return t(
    'As a viewer or member, the user immediately loses {pairs, plural, one {# key pair} other {# key pairs}} and {more, select, yes {more than } other {}}{count, plural, one {# active token} other {# active tokens}}.',
    { pairs, ...boundedValues(ownTokens) },
  )
}

/** @param isStale the user was changed after the form was shown */
function rolePage(t: ConsoleTranslate, user: UserDetails, isStale = false): ConsolePage {
  const meanwhile = isStale ? t('Another user changed this user, so your change was not saved.') : undefined
  const loss = lossText(t, user)
  const fields = fieldsIn(t)
  const form = formView({
    fields,
    typed: writeFields(fields, { role: user.role as AccountRole }),
    revision: user.revision,
    action: userPath(user.id, 'role'),
    submit: t('Change role'),
    cancel: userPath(user.id),
  })
  return askPage(t, user, 'role', {
    title: t('Change the role of {name}?', { name: displayName(user) }),
    submit: form.submit,
    text: [meanwhile, loss].filter(Boolean).join(' '),
    stops: [],
    form,
    status: isStale ? 412 : undefined,
    ...(loss && affectedBy(t, user.affected!)),
  })
}

export async function askRole(call: ConsoleCall): Promise<void> {
  const user = await userWithCallers(call)
  if (user.role === 'operator') throw new KeywrightError('conflict', 'operators have no account')
  if (user.role === 'admin') checkUnprotected(user, call)
  call.show(rolePage(call.t, user))
}

export async function changeRole(call: ConsoleCall): Promise<void> {
  const { management, who, params, form, show, goTo } = call
  const role = choiceIn(form, 'role', choiceValues(ACCOUNT_ROLE))
  if (!role) throw invalidInput('the form names no role')
  try {
    const user = await setRole(management, who, { userId: params.userId!, role, revision: revisionOf(form) })
    goTo(`${userPath(user.id)}?notice=${role}`)
  } catch (error) {
    if (!isStale(error)) throw error
    show(rolePage(call.t, await userWithCallers(call), true))
  }
}
