import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Command } from 'commander'
import { bootstrap, describeFirstStart } from '../../bootstrap.ts'
import { loadConfig } from '../../config/load.ts'
import { DOCUMENTS } from '../../documents.ts'
import { migrateInstance } from '../../instance.ts'
import { KeywrightError } from '../../shared/errors.ts'
import { writeAnswer } from '../output.ts'
import { notice, withInstance } from '../run.ts'

export function addInstanceCommands(program: Command): void {
  program
    .command('migrate')
    .description("bring the database's schema up to this version")
    .action(async (_options, command: Command) => {
      const applied = await migrateInstance(loadConfig(process.env), { role: 'command', onNotice: notice })
      const text = applied.length > 0 ? `applied:\n${applied.join('\n')}` : 'the schema is up to date'
      writeAnswer({ json: { applied }, text }, command.optsWithGlobals().json === true)
    })

  program
    .command('bootstrap')
    .description('the set-up of the first start: keys, an operator, an account with an admin, an API and a key pair')
    .action(
      withInstance(async ({ knex, encryptionKeys, config }) => {
        const made = await bootstrap(knex, encryptionKeys, config.issuer)
        if (!made) return { json: { created: false }, text: 'everything is there already' }
        const { operator, admin, accountId, api, keyPair, demo } = made
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
        return { json, text: describeFirstStart(config.issuer ?? `http://${config.host}:${config.port}`, made) }
      }),
    )

  program
    .command('docs')
    .description('write the documents that are made from the code, or with --check say whether they are true')
    .option('--check', 'change nothing; exit 1 when one is out of date')
    .action((options: { check?: boolean }) => {
      const stale = DOCUMENTS.filter(({ name, text }) => isOutOfDate(name, text()))
      if (!options.check) for (const { name, text } of stale) writeFileSync(pathOf(name), text())
      else if (stale.length > 0) {
        const names = stale.map(({ name }) => `docs/${name}`).join(', ')
        throw new KeywrightError('misconfigured', `out of date: ${names}; run: npm run docs`)
      }
    })
}

const pathOf = (name: string): string => fileURLToPath(new URL(`../../../docs/${name}`, import.meta.url))

const isOutOfDate = (name: string, text: string): boolean =>
  !existsSync(pathOf(name)) || readFileSync(pathOf(name), 'utf8') !== text
