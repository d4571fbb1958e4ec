import type { DynamicRegistration } from '../../src/clients/registration-attributes.ts'
import type { Keywright } from './keywright.ts'
import { managementToken, managingApplication, rawManagement } from './management.ts'
import { type Answer, send } from './requests.ts'

/** Sets which clients may register themselves, and waits until the discovery document says so. */
export async function setDynamicRegistration(server: Keywright, value: DynamicRegistration): Promise<void> {
  await server.knex('instance_settings').update({ dynamic_registration: value })
  const isKnown = async () => {
    const { body } = await send(`${server.url}/.well-known/openid-configuration`)
    return (body.registration_endpoint !== undefined) === (value !== 'off')
  }
  while (!(await isKnown())) await new Promise((resolve) => setTimeout(resolve, 200))
}

export const CALLBACK = 'https://app.example.com/callback'

/** The metadata of a client with a redirect URI. */
export const METADATA = {
  redirect_uris: [CALLBACK],
  client_name: 'Notes',
  grant_types: ['authorization_code', 'refresh_token'],
}

type Options = Record<string, unknown>

/** What a client sends to change its registration (RFC 7592, section 2.2). */
export const updateOf = ({ body }: Answer, changes: Options = {}): Options => ({
  ...METADATA,
  client_id: body.client_id,
  ...changes,
})

const bearer = (token: string) => ({ authorization: `Bearer ${token}` })

export type Registrations = ReturnType<typeof registrationsOf>

/** The requests of clients of an account that register themselves, for one API. */
export function registrationsOf(server: Keywright, account: string, api: string) {
  /** An initial access token by the management API. */
  async function tokenWith(options: Options = {}): Promise<string> {
    const application = await managingApplication(server, account)
    const management = rawManagement(server.url, await managementToken(server, application))
    const given = { apis: [api], max_uses: 100, ...options }
    const answer = await management.json('POST', '/initial-access-tokens', given)
    if (answer.status !== 201) throw new Error(`no initial access token: ${answer.status} ${answer.text}`)
    return answer.body.token
  }

  const register = (
    token: string | undefined,
    metadata: unknown,
    headers: Record<string, string> = {},
  ): Promise<Answer> =>
    send(`${server.url}/oauth2/register`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...(token && bearer(token)), ...headers },
      body: typeof metadata === 'string' ? metadata : JSON.stringify(metadata),
    })

  const configure = (
    method: string,
    { body }: Answer,
    metadata?: unknown,
    token: string = body.registration_access_token,
  ): Promise<Answer> =>
    send(`${server.url}/oauth2/register/${body.client_id}`, {
      method,
      headers: { ...bearer(token), ...(metadata !== undefined && { 'content-type': 'application/json' }) },
      ...(metadata !== undefined && { body: JSON.stringify(metadata) }),
    })

  return { tokenWith, register, configure }
}
