/** What a viewer and a developer of an account may do. */
import { randomUUID } from 'node:crypto'
import { readdirSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  hasPermission,
  includesRole,
  mayOwnKeyPairs,
  PERMISSIONS,
  usableScopes,
} from '../../src/accounts/permissions.ts'
import type { AccountRole } from '../../src/accounts/user-attributes.ts'
import { createUser } from '../../src/accounts/users.ts'
import { DEFAULT_SETTINGS } from '../../src/clients/client-settings.ts'
import { readApplicationForm, readNewApplicationForm } from '../../src/management/application-forms.ts'
import {
  archiveApplication,
  restoreApplication,
  rotateApplicationSecret,
  updateApplication,
} from '../../src/management/application-operations.ts'
import { archiveApplications } from '../../src/management/bulk-archive.ts'
import { createClient } from '../../src/management/client-registration.ts'
import { deleteApplication } from '../../src/management/deletion-operations.ts'
import { stopKeyPair } from '../../src/management/key-pair-details.ts'
import { generateKeyPair } from '../../src/management/key-pair-operations.ts'
import { MANAGEMENT_API } from '../../src/management/management-scopes.ts'
import { createApplication } from '../../src/management/new-applications.ts'
import type { Operation } from '../../src/management/operation.ts'
import type { Principal } from '../../src/management/principal.ts'
import { retireApplicationSecret } from '../../src/management/secret-retirement.ts'
import { revokeAllOfClient, revokeOneGrant, revokeOneToken } from '../../src/management/token-operations.ts'
import { changeUserRole } from '../../src/management/user-changes.ts'
import { ACTOR } from '../support/factory.ts'
import { until } from '../support/load.ts'
import { countWaiting } from '../support/lock-waits.ts'
import { adminOf, openManagement } from './principals.ts'

let on: Awaited<ReturnType<typeof openManagement>>
let home: string

beforeAll(async () => {
  on = await openManagement()
  home = on.firstStart.accountId
})
afterAll(() => on?.close())

let made = 0

async function userWith(role: AccountRole): Promise<Principal> {
  const { user } = await createUser(on.knex, { email: `role-${++made}@example.com`, role, accountId: home })
  return { ...adminOf(home, user.id), role }
}

const settings = { ...DEFAULT_SETTINGS, name: 'Nightly export', grants: ['client_credentials'] }

async function applicationFor(...apis: string[]): Promise<string> {
  const { client } = await createClient(on.knex, { accountId: home, settings, apis, scopes: null }, ACTOR)
  return client.clientId
}

const forbidden = { code: 'forbidden' }

describe('the table of permissions', () => {
  const directory = new URL('../../src/management/', import.meta.url)
  const table = Object.values(PERMISSIONS).map(({ role, scope }) => `${role} ${scope}`)

  test('holds the permission of every operation', async () => {
    const modules = await Promise.all(readdirSync(directory).map((name) => import(new URL(name, directory).href)))
    const operations = modules
      .flatMap((module) => Object.entries(module as Record<string, unknown>))
      .filter(([, one]) => typeof one === 'function' && 'permission' in one) as [string, Operation<never, never>][]
    expect(operations.length).toBeGreaterThan(30)
    for (const [name, { permission }] of operations)
      expect(table, name).toContain(`${permission.role} ${permission.scope}`)
  })

  test('gives a viewer no permission to change anything, and a developer none over users, webhooks and the instance', () => {
    const of = (role: AccountRole) =>
      Object.values(PERMISSIONS)
        .filter((permission) => includesRole(role, permission.role))
        .map(({ scope }) => scope)
    expect(of('member')).toEqual(['users:read'])
    expect(of('viewer').filter((scope) => !scope.endsWith(':read'))).toEqual([])
    const written = of('developer').filter((scope) => !scope.endsWith(':read'))
    expect([...new Set(written)].sort()).toEqual(['applications:write', 'key_pairs:write', 'tokens:write'])
    expect([...usableScopes('admin')]).not.toContain('instance:read')
  })

  test('lets developers and admins of accounts own key pairs', () => {
    const roles = ['member', 'viewer', 'developer', 'admin', 'operator'] as const
    expect(roles.filter(mayOwnKeyPairs)).toEqual(['developer', 'admin'])
  })

  test('needs the scope of a token too', async () => {
    const principal = { ...(await userWith('developer')), scopes: new Set(['applications:read', 'users:write']) }
    expect(hasPermission(principal, PERMISSIONS.viewApplications)).toBe(true)
    expect(hasPermission(principal, PERMISSIONS.manageApplications)).toBe(false)
    expect(hasPermission(principal, PERMISSIONS.manageUsers)).toBe(false)
  })
})

describe('a developer', () => {
  test('registers, changes and archives an application', async () => {
    const developer = await userWith('developer')
    const { client } = await createApplication(on.management, developer, { settings: { ...settings, name: 'Mine' } })
    const { clientId } = client
    await updateApplication(on.management, developer, { clientId, settings: { name: 'Ours' } })
    await rotateApplicationSecret(on.management, developer, { clientId, overlap: 0 })
    expect(await archiveApplication(on.management, developer, { clientId })).toMatchObject({ status: 'archived' })
  })

  test('cannot allow an application to call the management API', async () => {
    const developer = await userWith('developer')
    const apis = [MANAGEMENT_API]
    await expect(createApplication(on.management, developer, { settings, apis })).rejects.toMatchObject(forbidden)
    const clientId = await applicationFor()
    await expect(updateApplication(on.management, developer, { clientId, settings: {}, apis })).rejects.toMatchObject(
      forbidden,
    )
    const offered = async (who: Principal) =>
      (await readNewApplicationForm(on.management, who, {})).choosableApis.map(({ identifier }) => identifier)
    expect(await offered(developer)).not.toContain(MANAGEMENT_API)
    expect(await offered(adminOf(home))).toContain(MANAGEMENT_API)
  })

  test('cannot change an application that may call the management API, nor get a secret of it', async () => {
    const developer = await userWith('developer')
    const clientId = await applicationFor(MANAGEMENT_API)
    const archived = await applicationFor(MANAGEMENT_API)
    await archiveApplication(on.management, adminOf(home), { clientId: archived })
    const attempts: (() => Promise<unknown>)[] = [
      () => updateApplication(on.management, developer, { clientId, settings: { name: 'Ours' } }),
      () => updateApplication(on.management, developer, { clientId, settings: {}, apis: [] }),
      () => rotateApplicationSecret(on.management, developer, { clientId, overlap: 0 }),
      () => retireApplicationSecret(on.management, developer, { clientId }),
      () => archiveApplication(on.management, developer, { clientId }),
      () => archiveApplications(on.management, developer, { clientIds: [clientId] }),
      () => restoreApplication(on.management, developer, { clientId: archived, keepSecret: false }),
      () => deleteApplication(on.management, developer, { clientId: archived }),
      () => readApplicationForm(on.management, developer, { clientId }),
    ]
    for (const attempt of attempts) await expect(attempt()).rejects.toMatchObject(forbidden)
    const rows = await on.knex('clients').whereIn('client_id', [clientId, archived]).orderBy('status').pluck('status')
    expect(rows).toEqual(['active', 'archived'])
    await expect(readApplicationForm(on.management, adminOf(home), { clientId })).resolves.toBeDefined()
  })

  test('is refused the dry run of what they may not do', async () => {
    const [developer, other] = [await userWith('developer'), await userWith('developer')]
    const clientId = await applicationFor(MANAGEMENT_API)
    const pair = { clientId: (await generateKeyPair(on.management, other, {})).clientId }
    const unknown = randomUUID()
    const attempts: (() => Promise<unknown>)[] = [
      () => archiveApplication.dryRun(on.management, developer, { clientId }),
      () => rotateApplicationSecret.dryRun(on.management, developer, { clientId }),
      () => retireApplicationSecret.dryRun(on.management, developer, { clientId }),
      () => deleteApplication.dryRun(on.management, developer, { clientId }),
      () => stopKeyPair.dryRun(on.management, developer, pair),
      () => revokeAllOfClient.dryRun(on.management, developer, pair),
      () => revokeOneToken.dryRun(on.management, developer, { ...pair, jti: unknown }),
      () => revokeOneGrant.dryRun(on.management, developer, { ...pair, grantId: unknown }),
    ]
    for (const attempt of attempts) await expect(attempt()).rejects.toMatchObject(forbidden)
    await expect(stopKeyPair.dryRun(on.management, other, pair)).resolves.toBeDefined()
    await expect(archiveApplication.dryRun(on.management, adminOf(home), { clientId })).resolves.toBeDefined()
  })

  test.each<[string, 'active' | 'archived', (who: Principal, clientId: string) => Promise<unknown>]>([
    [
      'change it',
      'active',
      (who, clientId) => updateApplication(on.management, who, { clientId, settings: { tosUri: 'https://a.example' } }),
    ],
    [
      'rotate its secret',
      'active',
      (who, clientId) => rotateApplicationSecret(on.management, who, { clientId, overlap: 0 }),
    ],
    [
      'restore it',
      'archived',
      (who, clientId) => restoreApplication(on.management, who, { clientId, keepSecret: false }),
    ],
  ])('who asks to %s while an admin allows it to call the management API is refused', async (_, status, ask) => {
    const developer = await userWith('developer')
    const clientId = await applicationFor()
    if (status === 'archived') await archiveApplication(on.management, developer, { clientId })
    const trx = await on.knex.transaction()
    const change = { clientId, settings: {}, apis: [MANAGEMENT_API] }
    await updateApplication({ ...on.management, knex: trx }, adminOf(home), change)
    const asked = ask(developer, clientId)
    asked.catch(() => {})
    await until(async () => (await countWaiting(on.knex)) > 0)
    await trx.commit()
    await expect(asked).rejects.toMatchObject(forbidden)
    const client = await on.knex('clients').where({ client_id: clientId }).first('id', 'status')
    expect(client.status).toBe(status)
    expect(await on.knex('client_secrets').where({ client_id: client.id })).toHaveLength(1)
  })

  test('owns key pairs, and stops no key pair of another user', async () => {
    const [developer, other] = [await userWith('developer'), await userWith('developer')]
    const own = await generateKeyPair(on.management, developer, {})
    const foreign = await generateKeyPair(on.management, other, {})
    for (const end of [stopKeyPair, revokeAllOfClient]) {
      await expect(end(on.management, developer, { clientId: foreign.clientId })).rejects.toMatchObject(forbidden)
      await expect(end(on.management, developer, { clientId: own.clientId })).resolves.toBeDefined()
    }
    const row = await on.knex('clients').where({ client_id: foreign.clientId }).first('status')
    expect(row).toEqual({ status: 'active' })
  })
})

describe('a change of the role', () => {
  test.each(['viewer', 'member'] as const)('to %s ends the key pairs of a developer', async (role) => {
    const developer = await userWith('developer')
    const { clientId } = await generateKeyPair(on.management, developer, {})
    await changeUserRole(on.knex, developer.userId!, role, ACTOR)
    expect(await on.knex('clients').where({ client_id: clientId }).first('status')).toEqual({ status: 'replaced' })
    const present = { ...developer, role }
    await expect(generateKeyPair(on.management, present, {})).rejects.toMatchObject(forbidden)
  })

  test('from admin to developer keeps the key pairs, and keeps the last admin', async () => {
    const account = await on.make.account()
    const [first, second] = [await on.make.user(account), await on.make.user(account)]
    const pair = await on.make.keyPair(second.id)
    await changeUserRole(on.knex, second.id, 'developer', ACTOR, { keepAdmin: true })
    const row = await on.knex('clients').where({ client_id: pair.clientId }).first('status')
    expect(row).toEqual({ status: 'active' })
    const last = changeUserRole(on.knex, first.id, 'developer', ACTOR, { keepAdmin: true })
    await expect(last).rejects.toMatchObject({ code: 'conflict' })
  })

  test('leaves in the row of the user what nodes of the previous version understand', async () => {
    const { userId } = await userWith('viewer')
    const roles = async () => [
      (await on.knex('users').where({ id: userId }).first('role')).role,
      (await on.knex('memberships').where({ user_id: userId }).first('role')).role,
    ]
    expect(await roles()).toEqual(['member', 'viewer'])
    await changeUserRole(on.knex, userId!, 'developer', ACTOR)
    expect(await roles()).toEqual(['member', 'developer'])
    // Another column changes.
    await on.knex('users').where({ id: userId }).update({ name: 'Ada', role: 'member' })
    expect(await roles()).toEqual(['member', 'developer'])
    await changeUserRole(on.knex, userId!, 'admin', ACTOR)
    expect(await roles()).toEqual(['admin', 'admin'])
  })
})
