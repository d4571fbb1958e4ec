import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { DEFAULT_SETTINGS } from '../../src/clients/client-settings.ts'
import { createAccount, updateAccount } from '../../src/management/account-operations.ts'
import { declareApi } from '../../src/management/api-operations.ts'
import { updateApplication } from '../../src/management/application-operations.ts'
import { updateInstance } from '../../src/management/instance-operations.ts'
import { inviteUser } from '../../src/management/invitations.ts'
import { createApplication } from '../../src/management/new-applications.ts'
import { updateUser } from '../../src/management/user-operations.ts'
import { adminOf, openManagement, operator } from './principals.ts'

let world: Awaited<ReturnType<typeof openManagement>>
let home: string

beforeAll(async () => {
  world = await openManagement()
  home = world.firstStart.accountId
  await updateInstance(world.management, operator, { changes: { name: 'Acme Identity' } })
})
afterAll(() => world?.close())

let made = 0
const admin = () => adminOf(home)
const newEmail = () => `named-${++made}@names.example`
const settings = (name: string) => ({ ...DEFAULT_SETTINGS, name, grants: ['client_credentials'] })
const declared = (title: string, description = '') => ({
  identifier: `https://names-${++made}.example`,
  scopes: ['read'],
  tokenTtl: 3600,
  policy: 'none' as const,
  signingAlg: 'ES256' as const,
  isDefault: false,
  texts: { read: { title, description } },
})

async function renamedApplication(name: string): Promise<unknown> {
  const { client } = await createApplication(world.management, admin(), { settings: settings('Plain') })
  return await updateApplication(world.management, admin(), { clientId: client.clientId, settings: { name } })
}

async function renamedUser(name: string): Promise<unknown> {
  const invited = await inviteUser(world.management, admin(), { email: newEmail(), role: 'member' })
  return await updateUser(world.management, admin(), { userId: invited.user.id, name })
}

/** Each way in which an account, or somebody for it, gives a name that others read. */
const NAMED: Record<string, (name: string) => Promise<unknown>> = {
  'a new application': (name) => createApplication(world.management, admin(), { settings: settings(name) }),
  'a renamed application': renamedApplication,
  'an invited person': (name) => inviteUser(world.management, admin(), { email: newEmail(), role: 'member', name }),
  'a renamed person': renamedUser,
  'a new account': (name) => createAccount(world.management, operator, { name }),
  'a renamed account': (name) => updateAccount(world.management, operator, { accountId: home, name }),
}

describe.each(Object.entries(NAMED))('%s', (_, give) => {
  it('cannot have a name with invisible characters or characters that reorder text', async () => {
    for (const name of ['\u00ad', '\u3164', 'Good\u202edab', 'Pay\u200bPal']) {
      await expect(give(name), JSON.stringify(name)).rejects.toMatchObject({ code: 'invalid_input' })
    }
  })

  it('cannot have a name that looks like the name of the instance', async () => {
    for (const name of ['Acme Identity', 'ACME  IDENTITY', 'Аcmе Identity', 'Acrne ldentity']) {
      const fieldErrors = [{ field: 'name', message: expect.stringContaining('the name of this service') }]
      await expect(give(name), name).rejects.toMatchObject({ code: 'invalid_input', fieldErrors })
    }
    await give('Acme Identity Sync')
  })
})

describe('an application or user of the instance', () => {
  it('may have the name of the instance', async () => {
    const person = { email: newEmail(), role: 'operator', name: 'Acme Identity' } as const
    expect((await inviteUser(world.management, operator, person)).user.name).toBe('Acme Identity')
  })

  it('cannot have a name with invisible characters either', async () => {
    const changes = [{ name: 'Ac\u200bme' }, { name: '\u3164' }, { name: 'Acme\u202e' }]
    for (const change of changes) {
      await expect(updateInstance(world.management, operator, { changes: change })).rejects.toMatchObject({
        code: 'invalid_input',
      })
    }
    for (const texts of [declared('Read\u202e'), declared('Read', 'All\u2066of it'), declared('\u3164')]) {
      await expect(declareApi(world.management, operator, texts)).rejects.toMatchObject({ code: 'invalid_input' })
    }
    const hidden = { ...declared('Read'), identifier: 'https://api\u200b.example' }
    await expect(declareApi(world.management, operator, hidden)).rejects.toMatchObject({ code: 'invalid_input' })
    await declareApi(world.management, operator, declared('Read everything', 'Also\nwhat is private.'))
  })
})
