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

const PERSON = '/users/:userId'

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
  { method: 'get', path: PERSON, permission: readUser.permission, handle: showUser },
  { method: 'get', path: `${PERSON}/edit`, permission: updateUser.permission, handle: userEdit.show },
  { method: 'post', path: `${PERSON}/edit`, permission: updateUser.permission, handle: userEdit.save },
  { method: 'get', path: `${PERSON}/role`, permission: setRole.permission, handle: askRole },
  { method: 'post', path: `${PERSON}/role`, permission: setRole.permission, handle: changeRole },
  { method: 'get', path: `${PERSON}/status`, permission: setUserStatus.permission, handle: askStatus },
  { method: 'post', path: `${PERSON}/status`, permission: setUserStatus.permission, handle: changeStatus },
  {
    method: 'get',
    path: `${PERSON}/password`,
    permission: givePassword.permission,
    recentSignIn: true,
    handle: askPassword,
  },
  { method: 'post', path: `${PERSON}/password`, permission: givePassword.permission, handle: newPassword },
  { method: 'get', path: `${PERSON}/sessions`, permission: revokeAllOfUser.permission, handle: askSessions },
  { method: 'post', path: `${PERSON}/sessions`, permission: revokeAllOfUser.permission, handle: endSessions },
]
