import { expect } from 'vitest'
import { isSignedIn } from '../support/console-page.ts'
import { until } from '../support/load.ts'
import { managementToken, managingApplication, rawManagement } from '../support/management.ts'
import type { Nodes, ServerNode } from '../support/nodes.ts'
import { type Answer, type Credentials, claimsOf } from '../support/requests.ts'
import { openSignedInBrowser, redemptionOf, type SignedInBrowser } from '../support/signed-in-browsers.ts'

/** Makes one change at a node. Resolves to the check that the change holds. @throws NotAnswered */
export type Change = (node: ServerNode) => Promise<() => Promise<void>>

/** Says what came instead of the answer: the change may have been made or not. */
export class NotAnswered extends Error {}

type Api = Credentials & { identifier: string }

/** While the database does not answer, a request is answered 503, and never 500. */
function done(answer: Answer): Answer {
  const { status, text } = answer
  if (status >= 500) expect(status, text).toBe(503)
  if (status !== 200 && status !== 201) throw new NotAnswered(`${status} ${text}`)
  return answer
}

/** The whole flow of a browser. Any of its pages may have failed. */
async function browsing<T>(work: () => Promise<T>): Promise<T> {
  return await work().catch((cause: Error) => {
    throw new NotAnswered(cause.message, { cause })
  })
}

/** Every kind of statement that changes something, as clients, browsers and programs cause it. */
export async function changesOf(on: Nodes, api: Api): Promise<Record<string, Change>> {
  const apis = [api.identifier]
  const operator = await managingApplication(on, null)
  const token = await managementToken(on.nodes[0]!, operator)
  const manage = (node: ServerNode, method: string, path: string, body: unknown) =>
    rawManagement(node.url, token).json(method, path, body, { 'if-match': '*' })

  const isRecorded = (jwt: string) => async () => {
    expect(await on.knex('access_tokens').where('jti', claimsOf(jwt).jti as string)).toHaveLength(1)
  }
  /** A node that has just lost its connections may answer 503, which says nothing of the token. */
  const introspected = async (node: ServerNode, jwt: string): Promise<Answer> => {
    let answer = await node.introspect(jwt, api)
    await until(async () => {
      if (answer.status === 503) answer = await node.introspect(jwt, api)
      return answer.status !== 503
    })
    return answer
  }
  const isInactive = (jwt: string) => async () => {
    for (const node of on.nodes) expect((await introspected(node, jwt)).body).toEqual({ active: false })
  }
  const recorded = (answer: Answer) => isRecorded(done(answer).body.access_token)

  const machines = await Promise.all([
    on.make.client(apis, { policy: 'none' }),
    on.make.client(apis, { policy: 'single' }),
    on.make.client(apis, { policy: 'none', clientCredentialsRefresh: true }),
  ])
  const [plain, single, refreshing] = machines as [Credentials, Credentials, Credentials]
  const app = await on.make.application(apis)
  const person = await on.make.person()
  const visitor = await openSignedInBrowser(on.nodes[1]!, person)
  const owner = await on.make.user()
  const named = await on.make.client(apis)

  let refreshToken: string | undefined
  let changes = 0

  return {
    token: async (node) => recorded(await node.machineToken(plain)),
    batch: async (node) => {
      const answers = await Promise.all(Array.from({ length: 10 }, () => node.machineToken(plain)))
      const checks = answers.map(recorded)
      return async () => void (await Promise.all(checks.map((check) => check())))
    },
    'token under single': async (node) => recorded(await node.machineToken(single)),
    'refresh token': async (node) => {
      const form = { grant_type: 'refresh_token', refresh_token: refreshToken! }
      const answer = await (refreshToken ? node.token(form, { basic: refreshing }) : node.machineToken(refreshing))
      // A refusal: the grace period for a retry is over.
      if (answer.status < 500) refreshToken = answer.body.refresh_token
      return recorded(answer)
    },
    revocation: async (node) => {
      const token: string = done(await node.machineToken(plain)).body.access_token
      done(await node.revoke(token, plain))
      return isInactive(token)
    },
    code: async (node) => {
      const code = await browsing(() => visitor.code(app))
      return recorded(await node.token(redemptionOf(code), { basic: app }))
    },
    consent: async (node) => {
      const client = await on.make.application(apis, { consent: 'show' })
      await browsing(async () => allow(await openSignedInBrowser(node, person), client))
      return async () => void expect(await on.knex('consents').where('client_id', client.key)).toHaveLength(1)
    },
    'sign-in': async (node) => {
      const here = await browsing(() => openSignedInBrowser(node, person))
      if (!isSignedIn(await browsing(() => here.visit('/')))) throw new NotAnswered('not signed in')
      return async () => expect(isSignedIn(await here.visit('/'))).toBe(true)
    },
    'key pair': async (node) => {
      const { body } = done(await manage(node, 'POST', `/users/${owner.id}/key-pair`, { apis }))
      return async () => expect(await on.knex('clients').where('client_id', body.client_id)).toHaveLength(1)
    },
    archive: async (node) => {
      const client = await on.make.client(apis)
      const { body } = done(await node.machineToken(client))
      done(await manage(node, 'POST', `/applications/${client.clientId}/archive`, {}))
      return isInactive(body.access_token)
    },
    'management change': async (node) => {
      const name = `change ${++changes}`
      done(await manage(node, 'PATCH', `/applications/${named.clientId}`, { name }))
      return async () => {
        const logged = await on.knex('audit_log').whereRaw('detail::text LIKE ?', [`%"to": "${name}"%`])
        expect(logged).toHaveLength(1)
      }
    },
  }
}

async function allow(visitor: SignedInBrowser, client: Credentials): Promise<void> {
  const { page } = await visitor.follow(client)
  const { left } = await visitor.submit(page, /allow$/)
  if (!left?.searchParams.get('code')) throw new Error('not allowed')
}
