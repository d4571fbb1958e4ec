import { readAccount } from '../../../management/account-operations.ts'
import { deleteAccount } from '../../../management/deletion-operations.ts'
import { affectedBy } from '../kit/affected-callers.ts'
import { boundedValues } from '../kit/bounded-values.ts'
import type { ConsoleCall } from '../kit/console-route.ts'
import { confirmPage } from '../kit/panels.ts'
import { accountPath } from './account-page.ts'

export async function askAccountDeletion({ management, who, params, show, t }: ConsoleCall): Promise<void> {
  const account = await readAccount(management, who, { accountId: params.accountId!, withCallers: true })
  const { id, name, users, applications, affected } = account
  const page = confirmPage({
    title: t('Delete {name}?', { name }),
    breadcrumbs: [
      { href: '/accounts', label: t('Accounts') },
      { href: accountPath(id), label: name },
    ],
    text: t('You cannot undo this. An account that you may need again can stay disabled.'),
    stops: [
      users.count === 0
        ? t('delete no users: the account has none')
        : t(
            'delete {more, select, yes {more than } other {}}{count, plural, one {# user} other {# users}}, with their key pairs',
            boundedValues(users),
          ),
      applications.count === 0
        ? t('delete no applications: the account has none')
        : t(
            'delete {more, select, yes {more than } other {}}{count, plural, one {# application} other {# applications}}, with their client secrets and consents',
            boundedValues(applications),
          ),
      t('erase the names, email addresses and IP addresses of its users in the activity log; the events stay'),
      t('keep all its tokens revoked'),
    ],
    action: accountPath(id, 'delete'),
    submit: t('Delete account'),
    keep: { href: accountPath(id), label: t('Cancel') },
    ...affectedBy(t, affected!),
  })
  show(page)
}

export async function deleteAccountNow({ management, who, params, goTo }: ConsoleCall): Promise<void> {
  await deleteAccount(management, who, { accountId: params.accountId! })
  goTo('/accounts?notice=deleting')
}
