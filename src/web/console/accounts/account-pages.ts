import {
  createAccount,
  listAccounts,
  readAccount,
  setAccountApi,
  setAccountStatus,
  updateAccount,
} from '../../../management/account-operations.ts'
import { deleteAccount } from '../../../management/deletion-operations.ts'
import type { ConsoleRoute } from '../kit/console-route.ts'
import { askAccountDeletion, deleteAccountNow } from './account-deletion-pages.ts'
import {
  accountEdit,
  addAccount,
  askAccount,
  askAccountApi,
  askAccountStatus,
  changeAccountApi,
  changeAccountStatus,
} from './account-form-pages.ts'
import { showAccounts } from './account-list-page.ts'
import { showAccount } from './account-page.ts'

const ACCOUNT = '/accounts/:accountId'

/** Admins may read their own account with the API. This page is for operators. */
const READ = { ...readAccount.permission, role: 'operator' } as const

export const ACCOUNT_PAGES: readonly ConsoleRoute[] = [
  { method: 'get', path: '/accounts', permission: listAccounts.permission, handle: showAccounts },
  { method: 'get', path: '/accounts/new', permission: createAccount.permission, handle: askAccount },
  { method: 'post', path: '/accounts/new', permission: createAccount.permission, handle: addAccount },
  { method: 'get', path: ACCOUNT, permission: READ, handle: showAccount },
  { method: 'get', path: `${ACCOUNT}/edit`, permission: updateAccount.permission, handle: accountEdit.show },
  { method: 'post', path: `${ACCOUNT}/edit`, permission: updateAccount.permission, handle: accountEdit.save },
  { method: 'get', path: `${ACCOUNT}/status`, permission: setAccountStatus.permission, handle: askAccountStatus },
  { method: 'post', path: `${ACCOUNT}/status`, permission: setAccountStatus.permission, handle: changeAccountStatus },
  {
    method: 'get',
    path: `${ACCOUNT}/delete`,
    permission: deleteAccount.permission,
    handle: askAccountDeletion,
  },
  { method: 'post', path: `${ACCOUNT}/delete`, permission: deleteAccount.permission, handle: deleteAccountNow },
  { method: 'get', path: `${ACCOUNT}/api`, permission: setAccountApi.permission, handle: askAccountApi },
  { method: 'post', path: `${ACCOUNT}/api`, permission: setAccountApi.permission, handle: changeAccountApi },
]
