import { changeAccountApi, changeAccountStatus } from '../../src/management/account-changes.ts'
import { rotateSecret } from '../../src/management/client-secret-rotation.ts'
import { changeClientStatus } from '../../src/management/client-status.ts'
import { changeUserRole, changeUserStatus, removeMember } from '../../src/management/user-changes.ts'
import { revokeTokensOfClient } from '../../src/tokens/revocation.ts'
import { ACTOR } from '../support/factory.ts'
import type { Nodes } from '../support/nodes.ts'
import type { Credentials } from '../support/requests.ts'
import { openSignedInBrowser, redemptionOf } from '../support/signed-in-browsers.ts'

interface Ending {
  readonly token: string
  act(): Promise<unknown>
}

/** What ends tokens, each with one that it ends. */
export function waysToEnd(on: Nodes, api: Credentials & { identifier: string }) {
  const apis = [api.identifier]
  const tokenOf = async (client: Credentials, n = 0): Promise<string> =>
    (await on.nodes[n]!.machineToken(client)).body.access_token

  async function ofClient(act: (client: { clientId: string }) => Promise<unknown>): Promise<Ending> {
    const client = await on.make.client(apis)
    return { token: await tokenOf(client), act: () => act(client) }
  }

  async function ofPair(act: (userId: string) => Promise<unknown>, account?: string): Promise<Ending> {
    const user = await on.make.user(account)
    const pair = await on.make.keyPair(user.id, apis)
    return { token: await tokenOf(pair, 1), act: () => act(user.id) }
  }

  /** The token that an application has of a user of two accounts, for the second one. */
  async function ofMember(act: (key: { userId: string; accountId: string }) => Promise<unknown>): Promise<Ending> {
    const [person, accountId] = [await on.make.person(await on.make.account()), await on.make.account()]
    await on.knex('memberships').insert({ user_id: person.id, account_id: accountId, role: 'member' })
    const app = await on.make.application(apis)
    const code = await (await openSignedInBrowser(on.nodes[0]!, person)).code(app, { account_id: accountId })
    const { body } = await on.nodes[1]!.token(redemptionOf(code), { basic: app })
    return { token: body.access_token, act: () => act({ userId: person.id, accountId }) }
  }

  const rules = { keepAdmin: false }
  return [
    {
      name: 'archive',
      end: () => ofClient(({ clientId }) => changeClientStatus(on.knex, clientId, 'archived', ACTOR)),
    },
    { name: 'secret replaced', end: () => ofClient(({ clientId }) => rotateSecret(on.knex, clientId, 0, ACTOR)) },
    { name: 'all revoked', end: () => ofClient(({ clientId }) => revokeTokensOfClient(on.knex, clientId, ACTOR)) },
    { name: 'new keys', end: () => ofPair((id) => on.make.keyPair(id, apis)) },
    { name: 'user off', end: () => ofPair((id) => changeUserStatus(on.knex, id, 'disabled', ACTOR)) },
    { name: 'role lost', end: () => ofPair((id) => changeUserRole(on.knex, id, 'member', ACTOR, rules)) },
    {
      name: 'a role without key pairs, after one with them',
      end: () =>
        ofPair(async (id) => {
          await changeUserRole(on.knex, id, 'developer', ACTOR, rules)
          await changeUserRole(on.knex, id, 'viewer', ACTOR, rules)
        }),
    },
    { name: 'membership removed', end: () => ofMember((key) => removeMember(on.knex, key, ACTOR)) },
    {
      name: 'account off',
      async end() {
        const account = await on.make.account()
        return await ofPair(() => changeAccountStatus(on.knex, account, 'disabled', ACTOR), account)
      },
    },
    {
      name: "account's API off",
      async end() {
        const account = await on.make.account()
        return await ofPair(() => changeAccountApi(on.knex, account, false, ACTOR), account)
      },
    },
    {
      name: 'a newer token under the policy single',
      async end() {
        const client = await on.make.client(apis, { policy: 'single' })
        return { token: await tokenOf(client), act: () => tokenOf(client, 1) }
      },
    },
  ] satisfies { name: string; end(): Promise<Ending> }[]
}
