import { afterAll, beforeAll, expect, test } from 'vitest'
import { rotateApplicationSecret, updateApplication } from '../../src/management/application-operations.ts'
import { inviteUser } from '../../src/management/invitations.ts'
import { commandLinePrincipal } from '../../src/management/principal.ts'
import { givePassword, setUserStatus } from '../../src/management/user-operations.ts'
import { openManagement, operator } from './principals.ts'

const cli = commandLinePrincipal('ops')
const signedOut = { ...operator, signedInAt: null }
const NEEDS_SIGN_IN = { code: 'insufficient_user_authentication' }

let on: Awaited<ReturnType<typeof openManagement>>

beforeAll(async () => {
  on = await openManagement()
})
afterAll(async () => await on?.close())

const idOf = async (email: string): Promise<string> => (await on.knex('users').where({ email }).first('id')).id

test('the command line needs no recent sign-in to invite a user and to give a password', async () => {
  const invitation = { email: 'ann@example.com', role: 'member', accountId: on.firstStart.accountId } as const
  await expect(inviteUser(on.management, signedOut, invitation)).rejects.toMatchObject(NEEDS_SIGN_IN)
  const { user, password } = await inviteUser(on.management, cli, invitation)
  expect(password).toMatch(/^kwp_/)
  await expect(givePassword(on.management, signedOut, { userId: user.id })).rejects.toMatchObject(NEEDS_SIGN_IN)
  expect((await givePassword(on.management, cli, { userId: user.id })).password).toMatch(/^kwp_/)
})

test('the command line disables the last operator, which the console refuses', async () => {
  const change = { userId: await idOf(on.firstStart.operator.email), status: 'disabled' } as const
  await expect(setUserStatus(on.management, operator, change)).rejects.toMatchObject({ code: 'conflict' })
  expect(await setUserStatus(on.management, cli, change)).toMatchObject({ status: 'disabled' })
  await setUserStatus(on.management, cli, { ...change, status: 'active' })
})

test('the command line changes a key pair, which is no application to other operators', async () => {
  const change = { clientId: on.firstStart.keyPair.clientId, settings: { accessTokenTtl: 600 } }
  await expect(updateApplication(on.management, operator, change)).rejects.toMatchObject({ code: 'not_found' })
  expect((await updateApplication(on.management, cli, change)).client.accessTokenTtl).toBe(600)
})

test('the command line rotates the secret of an API by its client ID', async () => {
  const change = { clientId: on.firstStart.api.clientId, overlap: 0 }
  await expect(rotateApplicationSecret(on.management, operator, change)).rejects.toMatchObject({ code: 'not_found' })
  expect((await rotateApplicationSecret(on.management, cli, change)).clientSecret).toMatch(/^kws_/)
})

test('the activity log names the command line and the system user as the actor', async () => {
  const [entry] = await on.knex('audit_log').where({ action: 'user.disabled' })
  expect(entry).toMatchObject({ actor_type: 'cli', actor_id: 'ops' })
})
