import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { addUser, saveProfile } from '../../src/accounts/user-administration.ts'
import { sealAudit } from '../../src/audit/audit-sealing.ts'
import { verifyAudit } from '../../src/audit/audit-verification.ts'
import { grantConsent } from '../../src/consents/consents.ts'
import { changeAccountStatus } from '../../src/management/account-changes.ts'
import { startAccountDeletion } from '../../src/management/account-deletion.ts'
import { readAccount, setAccountStatus } from '../../src/management/account-operations.ts'
import { archiveApplication, readApplication } from '../../src/management/application-operations.ts'
import { deleteAccount, deleteUser } from '../../src/management/deletion-operations.ts'
import { continueDeletions } from '../../src/management/deletion-progress.ts'
import { commandLinePrincipal } from '../../src/management/principal.ts'
import { changeUserStatus } from '../../src/management/user-changes.ts'
import { exportUserData, type UserDataItem } from '../../src/management/user-data-export.ts'
import { givePassword, readUser, setUserStatus } from '../../src/management/user-operations.ts'
import { newId } from '../../src/shared/ids.ts'
import { ACTOR } from '../support/factory.ts'
import { addTestPasskey } from '../support/second-factors.ts'
import { adminOf, openManagement, operator } from './principals.ts'

let on: Awaited<ReturnType<typeof openManagement>>
let account: string
let api: { identifier: string }

beforeAll(async () => {
  on = await openManagement()
  account = await on.make.account()
  api = await on.make.api()
})
afterAll(async () => await on?.close())

const admin = () => adminOf(account, newId())
const IP = '203.0.113.77'
const CLI = commandLinePrincipal('root')

/** A refresh token with which an application acts for the user. */
async function insertGrant(user: string, client: number): Promise<void> {
  const { id } = await on.knex('apis').where({ identifier: api.identifier }).first('id')
  await on.knex('refresh_tokens').insert({
    grant_id: newId(),
    family_hash: randomBytes(32),
    current_hash: randomBytes(32),
    client_id: client,
    api_id: id,
    revocation_epoch: 0,
    subject: user,
    scope: 'read',
    expires_at: on.knex.raw("now() + interval '1 day'"),
  })
}

/** An admin with a key pair that was replaced once, a consent, a grant, an application they added, and personal data in the log. */
async function activeAdmin(email: string) {
  const { user } = await addUser(on.knex, { email, role: 'admin', accountId: account, name: 'Ada' }, ACTOR)
  await saveProfile(on.knex, user.id, { name: 'Countess Ada' }, { type: 'user', id: user.id, ip: IP })
  await on.make.keyPair(user.id)
  const pair = await on.make.keyPair(user.id)
  const app = await on.make.register({ account })
  await on.knex('clients').where({ id: app.key }).update({ created_by: user.id })
  const consent = { identityScopes: ['openid'], claims: [], apis: {} }
  await grantConsent(on.knex, { userId: user.id, accountId: account, clientKey: app.key }, consent, ACTOR)
  await insertGrant(user.id, app.key)
  await addTestPasskey(on.knex, user.id)
  return { user, pair, app }
}

async function disabledAdmin(email: string) {
  const admin = await activeAdmin(email)
  await changeUserStatus(on.knex, admin.user.id, 'disabled', ACTOR)
  return admin
}

async function verdict() {
  await sealAudit(on.knex, on.management.encryptionKeys, 500)
  return await verifyAudit(on.knex, on.management.encryptionKeys)
}

test('an active user is not deleted, nor one of another account, nor without a recent sign-in', async () => {
  const user = await on.make.user(account)
  const { management } = on
  const deletion = deleteUser(management, admin(), { userId: user.id })
  await expect(deletion).rejects.toMatchObject({ code: 'conflict' })
  const stranger = adminOf(await on.make.account())
  await expect(deleteUser(management, stranger, { userId: user.id })).rejects.toMatchObject({ code: 'not_found' })
  await changeUserStatus(on.knex, user.id, 'disabled', ACTOR)
  const old = { ...admin(), signedInAt: new Date(0) }
  const unattended = deleteUser(management, old, { userId: user.id })
  await expect(unattended).rejects.toMatchObject({ code: 'insufficient_user_authentication' })
})

test('a deleted user leaves no name, address or IP address behind, their application stays, and the audit chain verifies', async () => {
  const email = 'ada.deleted@example.com'
  const { user, pair, app } = await disabledAdmin(email)
  expect(await deleteUser(on.management, admin(), { userId: user.id })).toBe('deleting')
  const enabled = setUserStatus(on.management, admin(), { userId: user.id, status: 'active' })
  await expect(enabled).rejects.toMatchObject({ code: 'conflict' })
  const password = givePassword(on.management, { ...admin(), userId: null }, { userId: user.id })
  await expect(password).rejects.toMatchObject({ code: 'conflict' })
  await verdict()
  expect(await continueDeletions(on.knex, 50)).toBeGreaterThan(0)
  await expect(readUser(on.management, operator, { userId: user.id })).rejects.toMatchObject({ code: 'not_found' })
  expect(await on.knex('clients').where({ client_id: pair.clientId })).toEqual([])
  expect(await on.knex('passkeys').where({ user_id: user.id })).toEqual([])
  expect((await readApplication(on.management, admin(), app)).client.status).toBe('active')
  const log = JSON.stringify(await on.knex('audit_log'))
  for (const personal of ['Countess', IP]) expect(log).not.toContain(personal)
  expect(await verdict()).toMatchObject({ verified: true, erased: expect.any(Number) })
  expect((await verdict()).erased).toBeGreaterThan(0)
  await on.knex('audit_log').where({ target_id: user.id, action: 'user.updated' }).update({ request_id: 'forged' })
  expect((await verdict()).violations).toMatchObject([{ violation: 'altered' }])
  await on.knex('audit_log').where({ target_id: user.id, action: 'user.updated' }).update({ request_id: null })
})

test('the command line deletes a user without a server, and the address can be used again', async () => {
  const { user } = await disabledAdmin('ada.again@example.com')
  expect(await deleteUser(on.management, CLI, { userId: user.id })).toBe('deleted')
  const again = await addUser(on.knex, { email: 'ada.again@example.com', role: 'admin', accountId: account }, ACTOR)
  expect(again.user.id).not.toBe(user.id)
})

test('a disabled account is deleted with its users, key pairs and applications, shown as deleting meanwhile, and not enabled again', async () => {
  const id = await on.make.account()
  const users = await Promise.all([on.make.user(id), on.make.user(id), on.make.user(id, 'member')])
  await on.make.keyPair(users[0]!.id)
  const [active, archived] = [await on.make.register({ account: id }), await on.make.register({ account: id })]
  await archiveApplication(on.management, operator, archived)
  await expect(startAccountDeletion(on.knex, id, ACTOR)).rejects.toMatchObject({ code: 'conflict' })
  await changeAccountStatus(on.knex, id, 'disabled', ACTOR)
  expect(await deleteAccount(on.management, operator, { accountId: id })).toBe('deleting')
  expect((await readAccount(on.management, operator, { accountId: id })).status).toBe('deleting')
  const enabled = setAccountStatus(on.management, operator, { accountId: id, status: 'active' })
  await expect(enabled).rejects.toMatchObject({ code: 'conflict' })
  expect(await deleteAccount(on.management, CLI, { accountId: id })).toBe('deleted')
  for (const [table, column] of [
    ['accounts', 'id'],
    ['users', 'account_id'],
    ['clients', 'account_id'],
  ] as const) {
    expect(await on.knex(table).where(column, id)).toEqual([])
  }
  expect(await on.knex('deleted_clients').whereIn('id', [active.key, archived.key])).toHaveLength(2)
  const events = await on.knex('audit_log').where({ account_id: id }).whereLike('action', '%.deleted').pluck('action')
  expect(events.sort()).toEqual([
    'account.deleted',
    ...['client.deleted', 'client.deleted'],
    ...['user.deleted', 'user.deleted', 'user.deleted'],
  ])
})

async function exported(...given: Parameters<typeof exportUserData>): Promise<UserDataItem[]> {
  return await Array.fromAsync(await exportUserData(...given))
}

test('users export their own data, and an admin that of the account: profile, passkeys, consents, grants, key pairs, applications, activity', async () => {
  const { user, app } = await activeAdmin('ada.export@example.com')
  const self = { ...adminOf(account, user.id), role: 'member' as const }
  for (const who of [self, admin(), operator]) {
    const items = await exported(on.management, who, { userId: user.id })
    const kinds = new Set(items.map(({ kind }) => kind))
    expect([...kinds].sort()).toEqual([
      'activity',
      'application',
      'consent',
      'grant',
      'key_pair',
      'membership',
      'passkey',
      'profile',
    ])
    expect(items[0]!.data).toMatchObject({ email: 'ada.export@example.com', name: 'Countess Ada', language: null })
    const grants = items.filter(({ kind }) => kind === 'grant').map(({ data }) => data)
    expect(grants).toEqual([
      expect.objectContaining({ client_id: app.clientId, audience: api.identifier, scope: 'read' }),
    ])
    expect(JSON.stringify(items)).toContain(IP)
    expect(JSON.stringify(items)).not.toMatch(/password_hash|argon2|public_key|credential_id|current_hash|family_hash/)
    const ids = items.filter(({ kind }) => kind === 'activity').map(({ data }) => data.id)
    expect(new Set(ids).size).toBe(ids.length)
  }
})

test('a member exports nobody else, and an admin nobody of another account', async () => {
  const user = await on.make.user(account)
  const member = { ...adminOf(account, newId()), role: 'member' as const }
  await expect(exported(on.management, member, { userId: user.id })).rejects.toMatchObject({ code: 'forbidden' })
  const stranger = adminOf(await on.make.account(), newId())
  await expect(exported(on.management, stranger, { userId: user.id })).rejects.toMatchObject({ code: 'not_found' })
})
