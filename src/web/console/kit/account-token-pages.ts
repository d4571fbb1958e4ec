import type { RequiredPermission } from '../../../management/operation.ts'
import type { FieldError } from '../../../shared/errors.ts'
import { invalidInput } from '../../../shared/errors.ts'
import { isId } from '../../../shared/ids.ts'
import type { Form } from '../../forms.ts'
import { accountIn } from './account-filter.ts'
import type { ConsolePage, PageLink } from './console-page.ts'
import type { ConsoleCall, ConsoleRoute } from './console-route.ts'
import type { Fields } from './form-fields.ts'
import { formView } from './form-view.ts'

// The pages of tokens that belong to an account, are shown once and can be revoked: a list, a form, a question.

/** Of an operator, who selects it, the account. @throws KeywrightError `invalid_input` */
export function operatorsAccount({ who, form, query }: ConsoleCall): string | undefined {
  if (who.role !== 'operator') return undefined
  const named = form.get('account')
  if (named === undefined) return accountIn({ query })
  if (!isId(named)) throw invalidInput('this is not an account ID', 'account')
  return named
}

/** The page of the tokens of an account, or one below it; without an account, of the own one. */
export const accountTokensPath =
  (path: string) =>
  (accountId: string | undefined, step = '', notice?: string): string => {
    const named = { ...(accountId && { account: accountId }), ...(notice && { notice }) }
    const query = new URLSearchParams(named).toString()
    return `${path}${step && `/${step}`}${query && `?${query}`}`
  }

interface NewToken<F extends Fields> {
  readonly fields: F
  /** The path of the list. */
  readonly path: string
  /** Title and label of the button. */
  readonly title: string
  readonly lead: string
  readonly breadcrumbs: PageLink[]
}

/** The form that generates a token. */
export function newTokenPage<F extends Fields>(
  call: ConsoleCall,
  { fields, path, title, lead, breadcrumbs }: NewToken<F>,
  typed: Form,
  fieldErrors: readonly FieldError[],
): ConsolePage {
  const accountId = operatorsAccount(call)
  const form = formView({
    fields,
    typed,
    fieldErrors,
    action: `${path}/new`,
    submit: title,
    cancel: accountTokensPath(path)(accountId),
    hidden: accountId === undefined ? {} : { account: accountId },
  })
  const status = fieldErrors.length > 0 ? 400 : undefined
  return { view: 'console/edit', title, lead, status, breadcrumbs, data: { form } }
}

type Handle = ConsoleRoute['handle']

interface AccountTokenPages {
  readonly path: string
  /** The name of the token's ID in paths. */
  readonly id: string
  readonly permissions: Readonly<Record<'list' | 'generate' | 'revoke', RequiredPermission>>
  readonly showList: Handle
  readonly askToken: Handle
  readonly generate: Handle
  readonly askRevocation: Handle
  readonly revoke: Handle
}

export function accountTokenRoutes({ path, id, permissions, ...pages }: AccountTokenPages): readonly ConsoleRoute[] {
  const [add, end] = [`${path}/new`, `${path}/:${id}/revoke`]
  return [
    { method: 'get', path, permission: permissions.list, handle: pages.showList },
    { method: 'get', path: add, permission: permissions.generate, recentSignIn: true, handle: pages.askToken },
    { method: 'post', path: add, permission: permissions.generate, handle: pages.generate },
    { method: 'get', path: end, permission: permissions.revoke, handle: pages.askRevocation },
    { method: 'post', path: end, permission: permissions.revoke, handle: pages.revoke },
  ]
}
