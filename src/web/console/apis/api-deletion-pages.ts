import { deleteApi } from '../../../management/deletion-operations.ts'
import { boundedValues } from '../kit/bounded-values.ts'
import type { ConsoleCall, ConsoleRoute } from '../kit/console-route.ts'
import { confirmPage } from '../kit/panels.ts'
import { apiOf, apisLink, pathOf } from './api-pages.ts'

async function askDeletion(call: ConsoleCall): Promise<void> {
  const { t } = call
  const view = await apiOf(call)
  const { identifier } = view.api
  const isCalled = view.callers.count > 0
  const page = confirmPage({
    title: t('Delete {name}?', { name: identifier }),
    breadcrumbs: [apisLink(t), { href: pathOf(view), label: identifier }],
    text: isCalled
      ? t(
          '{more, select, yes {more than } other {}}{count, plural, one {# client} other {# clients}} may call this API. Remove the API from them first, which revokes their tokens for it. The API can be deleted once these tokens have expired.',
          boundedValues(view.callers),
        )
      : t('You cannot undo this. The API can be deleted once all its tokens have expired.'),
    stops: [
      t('delete its scopes, their descriptions and its settings'),
      t('delete its client ID and client secret for introspection and the revocation feed'),
    ],
    action: `${pathOf(view)}/delete`,
    submit: t('Delete API'),
    keep: { href: pathOf(view), label: t('Cancel') },
  })
  call.show(page)
}

async function deleteNow(call: ConsoleCall): Promise<void> {
  const { api } = await apiOf(call)
  await deleteApi(call.management, call.who, { identifier: api.identifier })
  call.goTo('/apis?notice=deleted')
}

export const API_DELETION_PAGES: readonly ConsoleRoute[] = [
  { method: 'get', path: '/apis/:apiId/delete', permission: deleteApi.permission, handle: askDeletion },
  { method: 'post', path: '/apis/:apiId/delete', permission: deleteApi.permission, handle: deleteNow },
]
