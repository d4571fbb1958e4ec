import {
  createAccount,
  listAccounts,
  readAccount,
  setAccountApi,
  setAccountStatus,
  updateAccount,
} from '../../../management/account-operations.ts'
import type { ConsoleRoute } from '../kit/console-route.ts'
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

/** Admins may read their own account over the API; this page is made of what operators do about it. */
const READ = { ...readAccount.need, role: 'operator' } as const

export const ACCOUNT_PAGES: readonly ConsoleRoute[] = [
  { method: 'get', path: '/accounts', need: listAccounts.need, handle: showAccounts },
  { method: 'get', path: '/accounts/new', need: createAccount.need, handle: askAccount },
  { method: 'post', path: '/accounts/new', need: createAccount.need, handle: addAccount },
  { method: 'get', path: ACCOUNT, need: READ, handle: showAccount },
  { method: 'get', path: `${ACCOUNT}/edit`, need: updateAccount.need, handle: accountEdit.show },
  { method: 'post', path: `${ACCOUNT}/edit`, need: updateAccount.need, handle: accountEdit.save },
  { method: 'get', path: `${ACCOUNT}/status`, need: setAccountStatus.need, handle: askAccountStatus },
  { method: 'post', path: `${ACCOUNT}/status`, need: setAccountStatus.need, handle: changeAccountStatus },
  { method: 'get', path: `${ACCOUNT}/api`, need: setAccountApi.need, handle: askAccountApi },
  { method: 'post', path: `${ACCOUNT}/api`, need: setAccountApi.need, handle: changeAccountApi },
]
