import { toConsoleEnglish } from '../../../languages/console/console-translator.ts'
import { readAccount } from '../../../management/account-operations.ts'
import { deleteAccount } from '../../../management/deletion-operations.ts'
import { affectedBy } from '../kit/affected-callers.ts'
import type { ConsoleCall } from '../kit/console-route.ts'
import { countedUpTo } from '../kit/counts.ts'
import { confirmPage } from '../kit/panels.ts'
import { accountPath, userCountText } from './account-page.ts'

export async function askAccountDeletion({ management, who, params, show }: ConsoleCall): Promise<void> {
  const account = await readAccount(management, who, { accountId: params.accountId!, withCallers: true })
  const { id, name, users, applications, affected } = account
  const page = confirmPage({
    title: `Delete ${name}?`,
    breadcrumbs: [
      { href: '/accounts', label: 'Accounts' },
      { href: accountPath(id), label: name },
    ],
    text: 'You cannot undo this. An account that you may need again can stay disabled.',
    stops: [
      users.count === 0
        ? 'delete no users: the account has none'
        : `delete ${userCountText(users)}, with their key pairs`,
      applications.count === 0
        ? 'delete no applications: the account has none'
        : `delete ${countedUpTo(toConsoleEnglish(), applications, 'application')}, with their client secrets and consents`,
      'erase the names, email addresses and IP addresses of its users in the activity log; the events stay',
      'keep all its tokens revoked',
    ],
    action: accountPath(id, 'delete'),
    submit: 'Delete account',
    keep: { href: accountPath(id), label: 'Cancel' },
    ...affectedBy(toConsoleEnglish(), affected!),
  })
  show(page)
}

export async function deleteAccountNow({ management, who, params, goTo }: ConsoleCall): Promise<void> {
  await deleteAccount(management, who, { accountId: params.accountId! })
  goTo('/accounts?notice=deleting')
}
