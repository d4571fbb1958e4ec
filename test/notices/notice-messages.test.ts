import { afterAll, beforeAll, expect, test } from 'vitest'
import { resetPassword, saveProfile } from '../../src/accounts/user-administration.ts'
import { ensureAuditChain } from '../../src/audit/audit-chain.ts'
import { recordAudit } from '../../src/audit/audit-log.ts'
import { sealAudit } from '../../src/audit/audit-sealing.ts'
import { toEnglish } from '../../src/languages/translator.ts'
import { contentOf } from '../../src/mail/message-kinds.ts'
import { NOTICE_KINDS } from '../../src/mail/notice-kinds.ts'
import { rotateSecret } from '../../src/management/client-secret-rotation.ts'
import { resetFactors } from '../../src/management/factor-operations.ts'
import { generateKeyPair } from '../../src/management/key-pair-generation.ts'
import type { Principal } from '../../src/management/principal.ts'
import { changeUserRole, changeUserStatus } from '../../src/management/user-changes.ts'
import { addNotices } from '../../src/notices/notice-messages.ts'
import { attemptOf, freshIp, gatherPeople, OTHER_PASSWORD, PASSWORD, type People } from '../accounts/user-fixtures.ts'
import { newClientKey } from '../support/client-assertions.ts'
import { createMaker } from '../support/factory.ts'

const PROGRAM: Principal = {
  role: 'operator',
  accountId: null,
  userId: null,
  scopes: new Set(['users:write']),
  signedInAt: null,
  actor: { type: 'client', id: 'kwc_help_desk' },
}

const CLI = { type: 'cli', id: 'tests' } as const

let on: People
let make: ReturnType<typeof createMaker>

beforeAll(async () => {
  on = await gatherPeople()
  make = createMaker(on.database, on.keys)
  await ensureAuditChain(on.knex, on.keys, { isNew: true })
  await addNotices(on.knex, 100)
})
afterAll(() => on?.stop())

/** What several nodes do at the same time. */
async function process(): Promise<void> {
  await sealAudit(on.knex, on.keys, 100)
  await Promise.all([1, 2, 3].map(() => addNotices(on.knex, 3)))
}

const noticesTo = async (userId: string): Promise<string[]> => {
  await process()
  return await on.knex('mail_messages').where({ user_id: userId }).orderBy(['created_at', 'id']).pluck('kind')
}

const parametersTo = async (userId: string) =>
  (await on.knex('mail_messages').where({ user_id: userId }).orderBy('created_at').first()).parameters

test('a user learns once that the password was changed, from where and when', async () => {
  const { user } = await on.person()
  const ip = freshIp()
  expect(await on.signIn.changePassword(user.id, PASSWORD, OTHER_PASSWORD, { ip })).toBe('changed')
  expect(await noticesTo(user.id)).toEqual(['password_changed'])
  expect(await noticesTo(user.id)).toEqual(['password_changed'])
  expect(await parametersTo(user.id)).toMatchObject({ by: null, ip })
})

test('each recipient of a notice reads it in the language of their own', async () => {
  const account = await on.account()
  const [german, colleague] = [await on.person(account), await on.person(account)]
  await on.knex('users').where({ id: german.user.id }).update({ language: 'de' })
  const { clientId } = await make.register({ account })
  await rotateSecret(on.knex, clientId, 0, { type: 'user', id: colleague.user.id })
  await process()
  const languageTo = (id: string) => on.knex('mail_messages').where({ user_id: id }).pluck('language')
  expect(await languageTo(german.user.id)).toEqual(['de'])
  expect(await languageTo(colleague.user.id)).toEqual(['en'])
})

test('a user learns of a sign-in from a browser that is not known, and not of one from a known browser', async () => {
  const { user } = await on.person()
  const first = await on.signIn.attempt(attemptOf(user.email, PASSWORD))
  const { browser } = first as { browser: string }
  await on.signIn.attempt(attemptOf(user.email, PASSWORD, { browser }))
  expect(await noticesTo(user.id)).toEqual(['new_browser'])
})

test('the former address learns of a change by a user, an operator or a program, and the new one does not', async () => {
  const { user } = await on.person()
  const by = [{ type: 'user', id: user.id, ip: freshIp() }, CLI, { type: 'client', id: 'kwc_sync' }] as const
  let email = user.email
  for (const actor of by) {
    const next = on.nextEmail()
    await saveProfile(on.knex, user.id, { email: next }, actor)
    expect(await noticesTo(user.id)).toContain('email_changed')
    expect(await on.knex('mail_messages').where({ recipient: email }).pluck('kind')).toEqual(['email_changed'])
    email = next
  }
  expect(await on.knex('mail_messages').where({ recipient: email })).toEqual([])
  await saveProfile(on.knex, user.id, { name: 'Ada', emailVerified: true }, CLI)
  expect(await noticesTo(user.id)).toHaveLength(by.length)
})

test('nobody receives a notice of a wrong password, of a first sign-in, or while disabled', async () => {
  const { user } = await on.person()
  await on.signIn.attempt(attemptOf(user.email, 'no such password 1'))
  const invited = await on.invite()
  await on.signIn.attempt(attemptOf(invited.user.email, invited.password))
  const { ticket } = (await on.signIn.attempt(attemptOf(invited.user.email, invited.password))) as { ticket: string }
  await on.signIn.choosePassword(ticket, PASSWORD, { type: 'user', ip: freshIp() })
  const disabled = await on.person()
  await resetPassword(on.knex, disabled.user.id, CLI)
  await changeUserStatus(on.knex, disabled.user.id, 'disabled', CLI)
  for (const { id } of [user, invited.user, disabled.user]) expect(await noticesTo(id)).toEqual([])
})

test('a user learns of a new role and of a one-time password, and not which operator it was', async () => {
  const { user: operator } = await on.invite(null, 'operator')
  const { user } = await on.person()
  await changeUserRole(on.knex, user.id, 'member', { type: 'user', id: operator.id, ip: '192.0.2.9' })
  await resetPassword(on.knex, user.id, CLI)
  expect((await noticesTo(user.id)).toSorted()).toEqual(['one_time_password', 'role_changed'])
  const { parameters } = await on.knex('mail_messages').where({ user_id: user.id, kind: 'role_changed' }).first()
  expect(parameters).toMatchObject({ by: 'operator', ip: null, detail: { changes: {} } })
})

test('the owner learns of a new key pair, and the admins of the account of a new secret of an application', async () => {
  const account = await on.account()
  const [owner, colleague] = [await on.person(account), await on.person(account)]
  const stranger = await on.person()
  await generateKeyPair(on.knex, { user: owner.user.id, apis: [] }, { type: 'user', id: owner.user.id })
  expect(await noticesTo(owner.user.id)).toEqual(['key_pair_generated'])
  const client = await make.register({ account })
  await rotateSecret(on.knex, client.clientId, 0, { type: 'user', id: owner.user.id })
  expect(await noticesTo(colleague.user.id)).toEqual(['secret_generated'])
  expect(await parametersTo(colleague.user.id)).toMatchObject({ by: owner.user.email, clientId: client.clientId })
  expect(await noticesTo(owner.user.id)).toEqual(['key_pair_generated', 'secret_generated'])
  expect(await noticesTo(stranger.user.id)).toEqual([])
})

test('the notice of a rotation names the credential that is new', async () => {
  const account = await on.account()
  const { user } = await on.person(account)
  const client = await make.register({ account })
  const { parsed: keys } = await newClientKey()
  const method = { authMethod: 'private_key_jwt', keys } as const
  await rotateSecret(on.knex, client.clientId, 0, { type: 'cli', id: 'ada' }, method)
  expect(await noticesTo(user.id)).toEqual(['secret_generated'])
  const parameters = await parametersTo(user.id)
  expect(parameters.detail).toMatchObject({ kind: 'key' })
  const context = {
    t: toEnglish(),
    instance: 'Acme',
    recipient: user.email,
    link: { url: '', until: '' },
    url: (path: string) => path,
  }
  const { subject, paragraphs, notes } = contentOf('secret_generated', parameters, context)
  expect(subject).toMatch(/^New public keys of /)
  expect([subject, ...paragraphs, ...notes!].join(' ')).not.toMatch(/secret/i)
})

test('a program that rotates secrets sends no messages, and a scanner that reports a leak does', async () => {
  const account = await on.account()
  const admin = await on.person(account)
  const client = await make.register({ account })
  await rotateSecret(on.knex, client.clientId, 0, { type: 'client', id: client.clientId })
  expect(await noticesTo(admin.user.id)).toEqual([])
  await rotateSecret(on.knex, client.clientId, 0, { type: 'system', id: 'bootstrap' })
  expect(await noticesTo(admin.user.id)).toEqual([])
  const target = { type: 'client', id: client.clientId }
  const detail = { kind: 'client_secret', revoked: true }
  const leak = { action: 'leak.reported', target, accountId: account, detail }
  await recordAudit(on.knex, { type: 'client', id: 'kwc_scanner' }, leak)
  await recordAudit(on.knex, { type: 'system', id: 'secret expiry' }, { ...leak, action: 'client.secret_expires' })
  expect((await noticesTo(admin.user.id)).sort()).toEqual(['leak_reported', 'secret_expires'])
})

test('a user learns of each change of the second factors, also by a program', async () => {
  const { user } = await on.person()
  const by = { type: 'user', id: user.id } as const
  const target = { type: 'user', id: user.id }
  for (const action of ['user.factor_added', 'user.recovery_codes_generated', 'user.factor_removed']) {
    await recordAudit(on.knex, by, { action, target, accountId: on.accountId })
  }
  await resetFactors({ knex: on.knex, encryptionKeys: on.keys }, PROGRAM, { userId: user.id })
  expect(await noticesTo(user.id)).toEqual(Array(4).fill('factor_changed'))
  const last = await on
    .knex('mail_messages')
    .where({ user_id: user.id })
    .whereJsonPath('parameters', '$.by', '=', 'program')
  expect(last).toMatchObject([{ parameters: { action: 'user.factors_reset' } }])
})

test('events of more than a day ago get no notice', async () => {
  const { user } = await on.person()
  await resetPassword(on.knex, user.id, CLI)
  await on
    .knex('audit_log')
    .where({ target_id: user.id })
    .update({ at: on.knex.raw(`at - interval '25 hours'`) })
  expect(await noticesTo(user.id)).toEqual([])
})

test('events from before the first node sends e-mail get no notice', async () => {
  const { user } = await on.person()
  await resetPassword(on.knex, user.id, CLI)
  await sealAudit(on.knex, on.keys, 100)
  await on.knex('mail_notice_cursor').delete()
  expect(await noticesTo(user.id)).toEqual([])
  expect(await noticesTo(user.id)).toEqual([])
})

test('each notice names an action that the product records', async () => {
  const { KNOWN_ACTIONS } = await import('../../src/web/console/activity/activity-texts.ts')
  const actions = Object.values(NOTICE_KINDS).flatMap(({ notice }) => notice.actions)
  for (const action of actions) expect([...KNOWN_ACTIONS]).toContain(action)
})
