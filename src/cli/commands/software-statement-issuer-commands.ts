import type { Command } from 'commander'
import { SOFTWARE_STATEMENT_ISSUER_ATTRIBUTES } from '../../clients/software-statement-attributes.ts'
import type { SoftwareStatementIssuer } from '../../clients/software-statement-issuers.ts'
import {
  listSoftwareStatementIssuers,
  readSoftwareStatementIssuer,
  removeSoftwareStatementIssuer,
  trustSoftwareStatementIssuer,
} from '../../management/software-statement-issuer-operations.ts'
import { addAttributeOptions, optionValues, printedValues, textFile } from '../attribute-options.ts'
import { table } from '../output.ts'
import { withInstance } from '../run.ts'

const viewOf = ({ id, accountId, createdAt, lastUsedAt, ...issuer }: SoftwareStatementIssuer) => ({
  issuer_id: id,
  account_id: accountId,
  ...printedValues(SOFTWARE_STATEMENT_ISSUER_ATTRIBUTES, issuer),
  created_at: createdAt,
  last_used_at: lastUsedAt,
})

interface TrustOptions {
  readonly account: string
  readonly issuer: string
  readonly jwks?: string
}

function addTrust(command: Command): void {
  const trust = command
    .command('trust')
    .description('Let every application with a software statement of an issuer register itself')
    .requiredOption('--account <id>', 'Account to which the applications belong')
    .option('--jwks <file>', 'Its public keys: a JWK set, or PEM', textFile)
  addAttributeOptions(trust, SOFTWARE_STATEMENT_ISSUER_ATTRIBUTES, 'create').action(
    withInstance<TrustOptions>(async ({ management, principal }, { account: accountId, jwks, ...options }) => {
      const values = optionValues(SOFTWARE_STATEMENT_ISSUER_ATTRIBUTES, options)
      const input = { ...values, issuer: options.issuer, accountId, jwks }
      return { json: viewOf(await trustSoftwareStatementIssuer(management, principal, input)) }
    }),
  )
}

export function addSoftwareStatementIssuerCommands(command: Command): void {
  addTrust(command)
  command
    .command('list')
    .description('List the trusted issuers')
    .action(
      withInstance(async ({ management, principal }) => {
        const found = await listSoftwareStatementIssuers(management, principal, {})
        const shown = found.map((one) => ({ ...viewOf(one), failure: one.failure }))
        return { json: { software_statement_issuers: shown }, text: table(shown) }
      }),
    )
  command
    .command('show <id>')
    .description('Show a trusted issuer, and the applications that registered by its statements')
    .action(
      withInstance(async ({ management, principal }, _options, id) => {
        const found = await readSoftwareStatementIssuer(management, principal, { issuerId: id! })
        const applications = found.applications.map(({ clientId, name, status, createdAt }) => ({
          client_id: clientId,
          name,
          status,
          created_at: createdAt,
        }))
        return { json: { ...viewOf(found), failure: found.failure, registered: found.registered.count, applications } }
      }),
    )
  command
    .command('remove <id>')
    .description('Stop trusting an issuer; registered applications stay')
    .action(
      withInstance(async ({ management, principal }, _options, id) => ({
        json: viewOf(await removeSoftwareStatementIssuer(management, principal, { issuerId: id! })),
      })),
    )
}
