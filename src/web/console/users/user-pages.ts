import { deleteUser } from '../../../management/deletion-operations.ts'
import { sendVerification } from '../../../management/email-verification-operations.ts'
import { resetFactors } from '../../../management/factor-operations.ts'
import { inviteUser, sendInvitation } from '../../../management/invitations.ts'
import { removeMembership } from '../../../management/membership-operations.ts'
import { revokeAllOfUser } from '../../../management/token-operations.ts'
import { searchUsers } from '../../../management/user-list.ts'
import { offboardUser } from '../../../management/user-offboarding.ts'
import {
  confirmUserAddress,
  givePassword,
  readUser,
  setRole,
  setUserStatus,
  updateUser,
} from '../../../management/user-operations.ts'
import type { ConsoleRoute } from '../kit/console-route.ts'
import { askAddressConfirmation, confirmAddressNow } from './address-confirmation-page.ts'
import { askVerification, verifyByMail } from './email-verification-pages.ts'
import { askFactorReset, resetFactorsNow } from './factor-reset-pages.ts'
import { askInvitation, invite } from './invite-page.ts'
import { askRole, changeRole } from './role-pages.ts'
import { askUserDeletion, deleteUserNow, exportUser } from './user-deletion-pages.ts'
import { userEdit } from './user-edit-pages.ts'
import {
  askInvitationAgain,
  askPassword,
  askSessions,
  askStatus,
  changeStatus,
  endSessions,
  inviteAgain,
  newPassword,
} from './user-form-pages.ts'
import { showUsers } from './user-list-page.ts'
import { askOffboarding, offboardNow } from './user-offboarding-pages.ts'
import { showUser } from './user-page.ts'
import { askRemoval, removeNow } from './user-removal-pages.ts'

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
  {
    method: 'get',
    path: `${USER}/factors`,
    permission: resetFactors.permission,
    recentSignIn: true,
    handle: askFactorReset,
  },
  { method: 'post', path: `${USER}/factors`, permission: resetFactors.permission, handle: resetFactorsNow },
  {
    method: 'get',
    path: `${USER}/invitation`,
    permission: sendInvitation.permission,
    recentSignIn: true,
    handle: askInvitationAgain,
  },
  { method: 'post', path: `${USER}/invitation`, permission: sendInvitation.permission, handle: inviteAgain },
  {
    method: 'get',
    path: `${USER}/verification`,
    permission: sendVerification.permission,
    handle: askVerification,
  },
  { method: 'post', path: `${USER}/verification`, permission: sendVerification.permission, handle: verifyByMail },
  {
    method: 'get',
    path: `${USER}/delete`,
    permission: deleteUser.permission,
    handle: askUserDeletion,
  },
  { method: 'post', path: `${USER}/delete`, permission: deleteUser.permission, handle: deleteUserNow },
  {
    method: 'get',
    path: `${USER}/address`,
    permission: confirmUserAddress.permission,
    recentSignIn: true,
    handle: askAddressConfirmation,
  },
  { method: 'post', path: `${USER}/address`, permission: confirmUserAddress.permission, handle: confirmAddressNow },
  { method: 'get', path: `${USER}/offboard`, permission: offboardUser.permission, handle: askOffboarding },
  { method: 'post', path: `${USER}/offboard`, permission: offboardUser.permission, handle: offboardNow },
  { method: 'get', path: `${USER}/remove`, permission: removeMembership.permission, handle: askRemoval },
  { method: 'post', path: `${USER}/remove`, permission: removeMembership.permission, handle: removeNow },
  { method: 'get', path: `${USER}/export`, permission: readUser.permission, handle: exportUser },
  { method: 'get', path: `${USER}/sessions`, permission: revokeAllOfUser.permission, handle: askSessions },
  { method: 'post', path: `${USER}/sessions`, permission: revokeAllOfUser.permission, handle: endSessions },
]
