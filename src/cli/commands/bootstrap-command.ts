import type { Command } from 'commander'
import { bootstrap, describeFirstStart } from '../../bootstrap.ts'
import { withInstance } from '../run.ts'

export function addBootstrapCommand(command: Command): void {
  command.action(
    withInstance(async ({ management, config }) => {
      const created = await bootstrap(management.knex, management.encryptionKeys, config.issuer)
      if (!created) return { json: { created: false }, text: 'The instance is set up already.' }
      const { operator, admin, accountId, api, keyPair, demo } = created
      const json = {
        created: true,
        operator,
        account_id: accountId,
        admin,
        api: { identifier: api.identifier, client_id: api.clientId, client_secret: api.clientSecret },
        client_id: keyPair.clientId,
        client_secret: keyPair.clientSecret,
        demo_client_id: demo.clientId,
      }
      return { json, text: describeFirstStart(config.issuer ?? `http://${config.host}:${config.port}`, created) }
    }),
  )
}
