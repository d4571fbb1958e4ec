import { invitePerson } from '../../../management/invitations.ts'
import { revokeAllOfUser } from '../../../management/token-operations.ts'
import {
  givePassword,
  listPeople,
  readPerson,
  setPersonStatus,
  setRole,
  updatePerson,
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
  personEdit,
} from './user-form-pages.ts'
import { showPeople } from './user-list-page.ts'
import { showPerson } from './user-page.ts'

const PERSON = '/people/:userId'

export const PEOPLE_PAGES: readonly ConsoleRoute[] = [
  { method: 'get', path: '/people', need: listPeople.need, handle: showPeople },
  { method: 'get', path: '/people/invite', need: invitePerson.need, recentSignIn: true, handle: askInvitation },
  { method: 'post', path: '/people/invite', need: invitePerson.need, handle: invite },
  { method: 'get', path: PERSON, need: readPerson.need, handle: showPerson },
  { method: 'get', path: `${PERSON}/edit`, need: updatePerson.need, handle: personEdit.show },
  { method: 'post', path: `${PERSON}/edit`, need: updatePerson.need, handle: personEdit.save },
  { method: 'get', path: `${PERSON}/role`, need: setRole.need, handle: askRole },
  { method: 'post', path: `${PERSON}/role`, need: setRole.need, handle: changeRole },
  { method: 'get', path: `${PERSON}/status`, need: setPersonStatus.need, handle: askStatus },
  { method: 'post', path: `${PERSON}/status`, need: setPersonStatus.need, handle: changeStatus },
  { method: 'get', path: `${PERSON}/password`, need: givePassword.need, recentSignIn: true, handle: askPassword },
  { method: 'post', path: `${PERSON}/password`, need: givePassword.need, handle: newPassword },
  { method: 'get', path: `${PERSON}/sessions`, need: revokeAllOfUser.need, handle: askSessions },
  { method: 'post', path: `${PERSON}/sessions`, need: revokeAllOfUser.need, handle: endSessions },
]
