import { randomUUID } from 'node:crypto'
import { updateInstanceSettings } from '../../src/clients/instance-settings.ts'
import { ACTOR } from '../support/factory.ts'
import type { Keywright } from '../support/keywright.ts'
import { managementToken, managingApplication, rawManagement } from '../support/management.ts'

export const PRODUCT = 'https://app.example.com'
export const RETURN_URL = `${PRODUCT}/settings?tab=api`

/** A service of the company that creates console sessions for the first account. */
export async function createService(server: Keywright) {
  const changes = { productOrigins: [PRODUCT] }
  await server.knex.transaction((trx) => updateInstanceSettings(trx, changes, ACTOR))
  const client = await managingApplication(server, null)
  const token = await managementToken(server, client)
  const request = (more: object = {}, user: object = {}) => ({
    account: server.firstStart.accountId,
    user: { external_id: `usr-${randomUUID()}`, email: `${randomUUID()}@example.com`, role: 'admin', ...user },
    pages: ['keys'],
    return_url: RETURN_URL,
    ...more,
  })
  const post = (body: unknown, headers: Record<string, string> = {}, as = token) =>
    rawManagement(server.url, as).json('POST', '/console-sessions', body, headers)
  /** A URL that opens a session. */
  async function create(more: object = {}, user: object = {}): Promise<string> {
    const { status, text, body } = await post(request(more, user))
    if (status !== 201) throw new Error(`${status} ${text}`)
    return body.url
  }
  return { client, token, request, post, create }
}

export type Service = Awaited<ReturnType<typeof createService>>
