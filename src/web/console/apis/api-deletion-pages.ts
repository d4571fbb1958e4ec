import { toConsoleEnglish } from '../../../languages/console/console-translator.ts'
import { deleteApi } from '../../../management/deletion-operations.ts'
import type { ConsoleCall, ConsoleRoute } from '../kit/console-route.ts'
import { countedUpTo } from '../kit/counts.ts'
import { confirmPage } from '../kit/panels.ts'
import { APIS, apiOf, pathOf } from './api-pages.ts'

async function askDeletion(call: ConsoleCall): Promise<void> {
  const view = await apiOf(call)
  const { identifier } = view.api
  const isCalled = view.callers.count > 0
  const page = confirmPage({
    title: `Delete ${identifier}?`,
    breadcrumbs: [APIS, { href: pathOf(view), label: identifier }],
    text: isCalled
      ? `${countedUpTo(toConsoleEnglish(), view.callers, 'client')} may call this API. Remove the API from them first, which revokes their tokens for it. The API can be deleted once these tokens have expired.`
      : 'You cannot undo this. The API can be deleted once all its tokens have expired.',
    stops: [
      'delete its scopes, their descriptions and its settings',
      'delete its client ID and client secret for introspection and the revocation feed',
    ],
    action: `${pathOf(view)}/delete`,
    submit: 'Delete API',
    keep: { href: pathOf(view), label: 'Cancel' },
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
