/**
 * Who added a user and redeemed the one-time password has nothing left of it once the person has proven the mailbox: neither at another
 * node nor in another account. A mailbox alone does not end a second factor, and with one it is not proven.
 */
import { beforeAll, describe, expect, test } from 'vitest'
import { revokeSessionsOfUser } from '../../src/accounts/user-access.ts'
import { addUserWithoutPassword } from '../../src/accounts/user-administration.ts'
import { lockUserExclusive } from '../../src/accounts/user-locks.ts'
import { createUserWithoutPassword, findUserOfSession } from '../../src/accounts/users.ts'
import { createLinkTokens } from '../../src/mail/link-tokens.ts'
import { createLink, type LinkPurpose } from '../../src/mail/mail-links.ts'
import { addMembership } from '../../src/management/membership-operations.ts'
import { commandLinePrincipal } from '../../src/management/principal.ts'
import { removeMember } from '../../src/management/user-changes.ts'
import { keysOf } from '../support/encryption-key.ts'
import { ACTOR } from '../support/factory.ts'
import { type SharedNodes, shareNodes } from '../support/nodes.ts'
import type { Credentials } from '../support/requests.ts'
import { type Browser, openBrowser, type Page, signIn } from '../support/scriptless-browser.ts'
import { addTestApp, addTestPasskey, type TestApp } from '../support/second-factors.ts'
import { openSignedInBrowser, redemptionOf, type SignedInBrowser } from '../support/signed-in-browsers.ts'
import type { Person } from '../support/test-users.ts'

const NEXT_PASSWORD = 'plum orbit canvas 7'

let on: SharedNodes
let api: Credentials & { identifier: string }
let provider: string

beforeAll(async () => {
  on = await shareNodes()
  api = await on.make.api()
  provider = crypto.randomUUID()
  const texts = {
    name: 'Example',
    issuer: 'https://idp.example.com',
    client_id: 'keywright',
    sealed_client_secret: 'x',
    scopes: ['openid'],
  }
  await on.knex('identity_providers').insert({ id: provider, ...texts })
})

const keys = () => keysOf(on.env.ENCRYPTION_KEY!)

const linkFor = async (purpose: LinkPurpose, { id: userId, email }: Pick<Person, 'id' | 'email'>) =>
  createLinkTokens(keys()).tokenOf(await createLink(on.knex, { purpose, userId, email }))

/** Everything that the one who knew the one-time password has set up at one node. */
interface Scene {
  readonly person: Person
  readonly app: Credentials & { clientId: string }
  readonly session: SignedInBrowser
  readonly refreshToken: string
  /** Undefined: no second factor was set up. */
  readonly authenticator: TestApp | undefined
}

async function hijack(hasFactors: boolean): Promise<Scene> {
  const person = await on.make.person(await on.make.account())
  const app = await on.make.application([api.identifier], {}, await on.make.account())
  const session = await openSignedInBrowser(on.nodes[0]!, person)
  const answer = await on.nodes[0]!.token(redemptionOf(await session.code(app)), { basic: app })
  expect(answer.status, answer.text).toBe(200)
  const identity = { id: crypto.randomUUID(), provider_id: provider, subject: person.id, user_id: person.id }
  await on.knex('user_identities').insert(identity)
  await linkFor('email_change', { id: person.id, email: 'attacker@example.com' })
  const authenticator = hasFactors ? await addTestApp(on.knex, keys(), person.id) : undefined
  if (hasFactors) await addTestPasskey(on.knex, person.id)
  return { person, app, session, refreshToken: answer.body.refresh_token!, authenticator }
}

const count = async (table: string, of: Record<string, unknown>): Promise<number> =>
  (await on.knex(table).where(of)).length

/** What still works, at another node than the one where it was set up. */
async function leftOf({ person, app, session, refreshToken }: Scene): Promise<string[]> {
  const other = openBrowser(on.nodes[1]!.url)
  const signedIn = await signIn(other, await other.visit('/signin'), person.email, person.password)
  const pending = on.knex('mail_links').where({ user_id: person.id, purpose: 'email_change' }).whereNull('used_at')
  const form = { grant_type: 'refresh_token', refresh_token: refreshToken }
  const left = {
    password: signedIn.status === 200,
    session: !(await session.visit('/account/security')).url.includes('/signin'),
    'refresh token': (await on.nodes[1]!.token(form, { basic: app })).status === 200,
    consent: (await count('consents', { given_by: person.id })) > 0,
    identity: (await count('user_identities', { user_id: person.id })) > 0,
    'change of the address': (await pending).length > 0,
    passkey: (await count('passkeys', { user_id: person.id })) > 0,
    'authenticator app': (await count('totp_factors', { user_id: person.id })) > 0,
    'recovery codes': (await count('recovery_codes', { user_id: person.id })) > 0,
  }
  return Object.entries(left)
    .filter(([, works]) => works)
    .map(([name]) => name)
}

const isProven = async ({ id }: Person): Promise<boolean> => {
  const row = await on.knex('users').where({ id }).first()
  return row.proven_mailbox_key === row.email_key
}

/** The person signs in at the other node, with every factor. */
async function enterAs({ person, authenticator }: Scene): Promise<Browser> {
  const browser = openBrowser(on.nodes[1]!.url)
  const page = await signIn(browser, await browser.visit('/signin'), person.email, person.password)
  if (authenticator) await browser.submit(page, /\/signin\/factor$/, { code: await authenticator.code() })
  return browser
}

const NEXT = { password: NEXT_PASSWORD, repeat: NEXT_PASSWORD }

const pathOf = (path: string, token: string): string => `${path}?token=${token}`

async function choosePassword({ person }: Scene): Promise<Page> {
  const browser = openBrowser(on.nodes[1]!.url)
  const page = await browser.visit(pathOf('/password/new', await linkFor('password_reset', person)))
  return await browser.submit(page, /\/password\/new$/, NEXT)
}

async function verify(scene: Scene, answer: Record<string, string>): Promise<Browser> {
  const browser = await enterAs(scene)
  const page = await browser.visit(pathOf('/email/verify', await linkFor('email_verification', scene.person)))
  const done = await browser.submit(page, /\/email\/verify$/, answer)
  expect(done.text).toContain('Email address verified')
  return browser
}

const END = { earlier: 'end', ...NEXT }

/** The person joins another account by the link of its invitation. */
async function join(scene: Scene, answer: Record<string, string>): Promise<{ browser: Browser; isMember: boolean }> {
  const browser = await enterAs(scene)
  const { email, id } = scene.person
  const accountId = await on.make.account()
  const added = { email, role: 'member', accountId, mayBePending: true } as const
  const pending = await addUserWithoutPassword(on.knex, added, ACTOR)
  const page = await browser.visit(pathOf('/invitation', await linkFor('invitation', pending)))
  await browser.submit(page, /\/invitation$/, { answer: 'join', ...answer })
  return { browser, isMember: (await count('memberships', { user_id: id, account_id: accountId })) === 1 }
}

const isSignedIn = async (browser: Browser): Promise<boolean> =>
  !(await browser.visit('/account/security')).url.includes('/signin')

const EVERYTHING = ['password', 'session', 'refresh token', 'consent', 'identity', 'change of the address']
const FACTORS = ['passkey', 'authenticator app', 'recovery codes']

describe('of what somebody else has set up before', () => {
  test('everything works until the mailbox is proven', async () => {
    expect(await leftOf(await hijack(false))).toEqual(EVERYTHING)
  })

  test('nothing works after a password was chosen by a link to the mailbox', async () => {
    const scene = await hijack(false)
    await choosePassword(scene)
    expect([await leftOf(scene), await isProven(scene.person)]).toEqual([[], true])
  })

  test('only second factors remain after that, and then the mailbox is not proven', async () => {
    const scene = await hijack(true)
    await choosePassword(scene)
    expect([await leftOf(scene), await isProven(scene.person)]).toEqual([FACTORS, false])
  })

  test('nothing works after the address was verified, and the browser of the person stays signed in', async () => {
    for (const hasFactors of [false, true]) {
      const scene = await hijack(hasFactors)
      const browser = await verify(scene, END)
      expect([await leftOf(scene), await isProven(scene.person)]).toEqual([[], true])
      expect(await isSignedIn(browser)).toBe(true)
    }
  })

  test('nothing works after the person has joined another account', async () => {
    const scene = await hijack(true)
    const { browser, isMember } = await join(scene, END)
    expect([isMember, await leftOf(scene), await isProven(scene.person)]).toEqual([true, [], true])
    expect(await isSignedIn(browser)).toBe(true)
  })

  test('what the person decides to keep remains, except a change of the address', async () => {
    const scene = await hijack(false)
    await verify(scene, { earlier: 'keep' })
    expect([await leftOf(scene), await isProven(scene.person)]).toEqual([EVERYTHING.slice(0, -1), true])
  })

  test('a second proof ends nothing of what was set up after the first one', async () => {
    const scene = await hijack(false)
    await verify(scene, { earlier: 'keep' })
    await choosePassword(scene)
    expect(await leftOf(scene)).toEqual(['refresh token', 'consent', 'identity'])
  })
})

describe('the mailbox is not proven', () => {
  test('by a decision to keep what was set up, if something else was set up after the person had seen it', async () => {
    const scene = await hijack(false)
    const browser = await enterAs(scene)
    const path = pathOf('/email/verify', await linkFor('email_verification', scene.person))
    const page = await browser.visit(path)
    const identity = { id: crypto.randomUUID(), provider_id: provider, user_id: scene.person.id }
    await on.knex('user_identities').insert({ ...identity, subject: crypto.randomUUID() })
    const again = await browser.submit(page, /\/email\/verify$/, { earlier: 'keep' })
    expect([again.status, await isProven(scene.person)]).toEqual([409, false])
    expect(again.text).toContain('Something has been added or removed since you opened this page.')
    expect((await browser.submit(again, /\/email\/verify$/, { earlier: 'keep' })).text).toContain(
      'Email address verified',
    )
    expect(await isProven(scene.person)).toBe(true)
  })

  test('in the same way when the person joins another account', async () => {
    const scene = await hijack(false)
    expect((await join(scene, { earlier: 'keep', seen: 'something else' })).isMember).toBe(false)
    expect(await isProven(scene.person)).toBe(false)
  })

  test('by the link alone, also if somebody is signed in in another browser', async () => {
    const { person, session } = await hijack(false)
    const token = await linkFor('email_verification', person)
    const browser = openBrowser(on.nodes[1]!.url)
    const page = await browser.visit(pathOf('/email/verify', token))
    expect(page.text).toContain('Sign in to confirm that this address is yours')
    for (const answer of [NEXT, { earlier: 'keep' }, END]) await browser.submit(page, /\/email\/verify$/, answer)
    const row = await on.knex('users').where({ id: person.id }).first()
    expect([row.email_verified, row.proven_mailbox_key]).toEqual([false, null])
    expect(await isSignedIn(session)).toBe(true)
  })

  test('without the second factor, which somebody has set up since the person signed in', async () => {
    const { person, session } = await hijack(true)
    const page = await session.visit(pathOf('/email/verify', await linkFor('email_verification', person)))
    expect(page.url).toContain('/signin/confirm')
    expect(await isProven(person)).toBe(false)
  })

  test('for another user, who is signed in', async () => {
    const { person } = await hijack(false)
    const stranger = await openSignedInBrowser(on.nodes[1]!, await on.make.person(await on.make.account()))
    const page = await stranger.visit(pathOf('/email/verify', await linkFor('email_verification', person)))
    await stranger.submit(page, /\/email\/verify$/, { earlier: 'keep' })
    expect(await isProven(person)).toBe(false)
  })
})

test('a request of an earlier session that waits while the mailbox is proven leaves no consent', async () => {
  const person = await on.make.person(await on.make.account())
  const app = await on.make.application([api.identifier], {}, await on.make.account())
  const session = await openSignedInBrowser(on.nodes[0]!, person)
  const trx = await on.knex.transaction()
  await lockUserExclusive(trx, person.id)
  const following = session.follow(app)
  const waiting = { wait_event_type: 'Lock', datname: on.knex.raw('current_database()') }
  await expect.poll(() => count('pg_stat_activity', waiting)).toBe(1)
  await revokeSessionsOfUser(trx, person.id)
  await trx.commit()
  const { page } = await following
  expect([page.left?.searchParams.get('code') ?? null, await count('consents', { given_by: person.id })]).toEqual([
    null,
    0,
  ])
  expect(page.status).toBeLessThan(500)
})

const MAIL = { from: 'auth@example.com', server: null, encryption: 'none', hasDkim: false } as const

/** An operator adds the user to another account, without their acceptance. */
async function addToAccount({ person }: Scene): Promise<string> {
  const account = await on.make.account()
  const management = { knex: on.knex, encryptionKeys: keys(), mail: MAIL }
  const membership = { userId: person.id, accountId: account, role: 'admin' } as const
  await addMembership(management, commandLinePrincipal('root'), membership)
  return account
}

/** Whether a session acts in an account after it tried to switch to it. */
async function switches(browser: Browser, account: string): Promise<boolean> {
  const page = await browser.visit('/account/switch')
  await browser.submit(page, /\/account\/switch$/, { account })
  const { name } = await on.knex('accounts').where({ id: account }).first()
  return (await browser.visit('/account/security')).text.includes(name)
}

describe('a membership that an operator adds without acceptance', () => {
  test('is not for earlier sessions and applications, until the mailbox is proven', async () => {
    const scene = await hijack(false)
    const account = await addToAccount(scene)
    expect(await switches(scene.session, account)).toBe(false)
    const { page } = await scene.session.follow(scene.app, { account_id: account })
    expect(page.left?.searchParams.get('error')).toBe('access_denied')
    expect((await scene.session.visit('/account/switch')).text).toContain('/account/email/verification')
    expect(await switches(await verify(scene, END), account)).toBe(true)
    expect(await isSignedIn(scene.session)).toBe(false)
  })

  test('is for sessions that are fixed to its account', async () => {
    const scene = await hijack(false)
    const id = await addToAccount(scene)
    const user = await findUserOfSession(on.knex, scene.person.id, { id, isFixed: true })
    expect(user).toMatchObject({ accountId: id, role: 'admin', status: 'active' })
    const own = await findUserOfSession(on.knex, scene.person.id, { id, isFixed: false })
    expect(own?.accountId).toBe(scene.person.accountId)
  })

  test('stays closed when it becomes the only one, and a link for a password opens it', async () => {
    const scene = await hijack(false)
    const account = await addToAccount(scene)
    const { id: userId, accountId } = scene.person
    await removeMember(on.knex, { userId, accountId: accountId! }, ACTOR)
    expect(await isSignedIn(scene.session)).toBe(false)
    await choosePassword(scene)
    const user = await findUserOfSession(on.knex, userId, undefined)
    expect(user?.accountId).toBe(account)
  })

  test('needs no proof of a user without credentials, or whose mailbox is proven', async () => {
    const plain = await createUserWithoutPassword(on.knex, {
      email: `plain-${crypto.randomUUID()}@example.com`,
      role: 'member',
      accountId: await on.make.account(),
    })
    const scene = await hijack(false)
    await verify(scene, { earlier: 'keep' })
    for (const person of [plain, scene.person]) {
      const id = await addToAccount({ person } as Scene)
      const user = await findUserOfSession(on.knex, person.id, { id, isFixed: false })
      expect(user?.accountId).toBe(id)
    }
  })
})

test('nobody joins another account before they have decided', async () => {
  for (const answer of [{}, { earlier: 'maybe' }, { earlier: 'end', password: 'short', repeat: 'short' }]) {
    const scene = await hijack(false)
    expect((await join(scene, answer as Record<string, string>)).isMember).toBe(false)
    expect(await isProven(scene.person)).toBe(false)
  }
})
