import { inviteUser } from '../../../management/invitations.ts'
import { revokeAllOfUser } from '../../../management/token-operations.ts'
import {
  givePassword,
  readUser,
  searchUsers,
  setRole,
  setUserStatus,
  updateUser,
} from '../../../management/user-operations.ts'
import type { ConsoleRoute } from '../kit/console-route.ts'
import { askInvitation, invite } from './invite-page.ts'
import {
  askPassword,
  askRole,
  askSessions,
  askStatus,
  changeRole,
  changeStatus,
  endSessions,
  newPassword,
  userEdit,
} from './user-form-pages.ts'
import { showUsers } from './user-list-page.ts'
import { showUser } from './user-page.ts'

const USER = '/users/:userId'

export const USER_PAGES: readonly ConsoleRoute[] = [
  { method: 'get', path: '/users', permission: searchUsers.permission, handle: showUsers },
  {
    method: 'get',
    path: '/users/invite',
    permission: inviteUser.permission,
    recentSignIn: true,
    handle: askInvitation,
  },
  { method: 'post', path: '/users/invite', permission: inviteUser.permission, handle: invite },
  { method: 'get', path: USER, permission: readUser.permission, handle: showUser },
  { method: 'get', path: `${USER}/edit`, permission: updateUser.permission, handle: userEdit.show },
  { method: 'post', path: `${USER}/edit`, permission: updateUser.permission, handle: userEdit.save },
  { method: 'get', path: `${USER}/role`, permission: setRole.permission, handle: askRole },
  { method: 'post', path: `${USER}/role`, permission: setRole.permission, handle: changeRole },
  { method: 'get', path: `${USER}/status`, permission: setUserStatus.permission, handle: askStatus },
  { method: 'post', path: `${USER}/status`, permission: setUserStatus.permission, handle: changeStatus },
  {
    method: 'get',
    path: `${USER}/password`,
    permission: givePassword.permission,
    recentSignIn: true,
    handle: askPassword,
  },
  { method: 'post', path: `${USER}/password`, permission: givePassword.permission, handle: newPassword },
  { method: 'get', path: `${USER}/sessions`, permission: revokeAllOfUser.permission, handle: askSessions },
  { method: 'post', path: `${USER}/sessions`, permission: revokeAllOfUser.permission, handle: endSessions },
]
