import type { DynamicRegistration } from '../../src/clients/registration-attributes.ts'
import type { Keywright } from './keywright.ts'
import { send } from './requests.ts'

/** Sets which clients may register themselves, and waits until the discovery document says so. */
export async function setDynamicRegistration(server: Keywright, value: DynamicRegistration): Promise<void> {
  await server.knex('instance_settings').update({ dynamic_registration: value })
  const isKnown = async () => {
    const { body } = await send(`${server.url}/.well-known/openid-configuration`)
    return (body.registration_endpoint !== undefined) === (value !== 'off')
  }
  while (!(await isKnown())) await new Promise((resolve) => setTimeout(resolve, 200))
}
