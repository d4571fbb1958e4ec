import type { Command } from 'commander'
import { listSigningKeys, rotateSigningKeys, type SigningKeyView } from '../../management/instance-operations.ts'
import { table } from '../output.ts'
import { withInstance } from '../run.ts'

const viewOf = (key: SigningKeyView) => ({
  kid: key.kid,
  algorithm: key.alg,
  state: key.state,
  age: key.age,
  signs_from: key.signsFrom,
})

export function addSigningKeyCommands(signingKey: Command): void {
  signingKey
    .command('list')
    .description('List the keys with algorithm, state and age in seconds')
    .action(
      withInstance(async ({ management, principal }) => {
        const keys = (await listSigningKeys(management, principal, {})).map(viewOf)
        return { json: { keys }, text: table(keys) }
      }),
    )

  signingKey
    .command('rotate')
    .description('Rotate to the next keys; former keys stay published until every token that they signed has expired')
    .action(
      withInstance(async ({ management, principal }) => {
        const { rotated, keys: all } = await rotateSigningKeys(management, principal, {})
        const keys = all.map(viewOf)
        return { json: { rotated, keys }, text: table(keys) }
      }),
    )
}
