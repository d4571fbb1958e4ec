import { LEAK_PATTERNS } from '../../src/leaks/leak-patterns.ts'
import { type Keywright, startKeywright } from '../support/keywright.ts'
import { managementToken, managingApplication, rawManagement } from '../support/management.ts'
import { type Answer, type Credentials, send } from '../support/requests.ts'
import { startFakeGithub } from './fake-github.ts'

const PATH = '/api/v1/leak-reports'

/** Where GitHub found it, unless a test says otherwise. */
export const PLACE = 'https://github.com/acme/shop/blob/12345600/config.yml'

interface Finding {
  readonly token: string
  readonly type?: string
  readonly url?: string
  readonly source?: string
}

/** As GitHub writes them. */
export const bodyOf = (...findings: (Finding | string)[]): string =>
  JSON.stringify(
    findings.map((one) => ({
      type: LEAK_PATTERNS[0]!.type,
      url: PLACE,
      source: 'commit',
      ...(typeof one === 'string' ? { token: one } : one),
    })),
  )

/** Two nodes: one takes GitHub's reports, one does not. */
export async function startLeakEnvironment() {
  const github = await startFakeGithub()
  const env = { OUTGOING_ALLOW: '127.0.0.1', GITHUB_SECRET_SCANNING_KEYS: github.url }
  const on = await startKeywright({ env })
  const { DATABASE_URL: databaseUrl, ENCRYPTION_KEY } = on.env
  const other = await startKeywright({ databaseUrl: databaseUrl!, env: { ENCRYPTION_KEY, ISSUER: on.issuer } })
  const api = await on.make.api()

  const post = (node: Keywright, body: string, headers: Record<string, string>) =>
    send(node.url + PATH, { method: 'POST', body, headers })
  const fromGithub = (body: string, changed: Record<string, string> = {}, node = on) =>
    post(node, body, { ...github.headersFor(body), ...changed })

  /** A caller of the management API; `account` null: an operator's. */
  async function callerOf(account: string | null, scope = 'leaks:report') {
    const token = await managementToken(on, await managingApplication(on, account), scope)
    return rawManagement(on.url, token)
  }

  const eventsOf = (clientId: string, action = 'leak.reported') =>
    on.knex('audit_log').where({ target_id: clientId, action }).orderBy('at')

  const accessToken = (node: Keywright, client: Credentials): Promise<Answer> =>
    node.machineToken(client, { resource: api.identifier })

  return {
    on,
    other,
    github,
    api,
    fromGithub,
    callerOf,
    eventsOf,
    accessToken,
    /** Whether a token is active, on both nodes. */
    async isActive(token: string): Promise<boolean[]> {
      const answers = [await on.introspect(token, api), await other.introspect(token, api)]
      return answers.map(({ body }) => body.active)
    },
    async stop() {
      await other.stop()
      await on.stop()
      await github.stop()
    },
  }
}
