import { deleteUser } from '../../../management/deletion-operations.ts'
import { readUser } from '../../../management/user-operations.ts'
import { downloadUserData } from '../../user-data-download.ts'
import { affectedBy } from '../kit/affected-callers.ts'
import type { ConsoleCall } from '../kit/console-route.ts'
import { displayName } from '../kit/display-name.ts'
import { confirmPage } from '../kit/panels.ts'
import { breadcrumbsTo, userPath } from './user-texts.ts'

export async function askUserDeletion({ management, who, params, show, t }: ConsoleCall): Promise<void> {
  const user = await readUser(management, who, { userId: params.userId!, withCallers: true })
  const { id, email, keyPair, applications, addedApplications } = user
  const page = confirmPage({
    title: t('Delete {name}?', { name: displayName(user) }),
    breadcrumbs: breadcrumbsTo(t, user),
    text: t(
      'You cannot undo this. Export the data of the user first if you may need it. To prevent sign-ins only, keep the user disabled.',
    ),
    stops: [
      t('delete the profile of {email}; the address can be used for a new user', { email }),
      ...(keyPair === null ? [] : [t('delete the key pairs of the user')]),
      ...(applications === 0
        ? []
        : [
            t('delete the consent to {count, plural, one {# application} other {# applications}}', {
              count: applications,
            }),
          ]),
      t('erase the name, email address and IP addresses of the user in the activity log; the events stay'),
      ...(addedApplications.length > 0 ? [t('keep the applications that the user added')] : []),
    ],
    action: userPath(id, 'delete'),
    submit: t('Delete user'),
    keep: { href: userPath(id), label: t('Cancel') },
    ...affectedBy(t, user.affected!),
  })
  show(page)
}

export async function deleteUserNow({ management, who, params, goTo }: ConsoleCall): Promise<void> {
  await deleteUser(management, who, { userId: params.userId! })
  goTo('/users?notice=deleting')
}

export const exportUser = ({ ctx, management, who, params }: ConsoleCall): Promise<void> =>
  downloadUserData(ctx, management, who, params.userId!)
