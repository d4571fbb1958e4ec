import type { Command } from 'commander'
import type { SigningKeyImpact } from '../../management/signing-key-impact.ts'
import {
  listSigningKeys,
  revokeSigningKey,
  rotateSigningKeys,
  type SigningKeyView,
} from '../../management/signing-key-operations.ts'
import { addDryRun, type DryRunOption, inWords } from '../dry-run-commands.ts'
import { type CommandResult, table } from '../output.ts'
import { withInstance } from '../run.ts'

const viewOf = (key: SigningKeyView) => ({
  kid: key.kid,
  algorithm: key.alg,
  state: key.state,
  age: key.age,
  signs_from: key.signsFrom,
})

const countOf = (tokens: SigningKeyImpact['tokens']) => tokens && { count: tokens.count, is_more: tokens.isMore }

/** What the revocation of a key would affect, as the command prints it. */
function impactResult({ kid, alg, state, createdAt, successor, tokens, apis }: SigningKeyImpact): CommandResult {
  const json = {
    ...{ dry_run: true, kid, algorithm: alg, state, created_at: createdAt, access_tokens: countOf(tokens) },
    successor: successor && { kid: successor.kid, is_recent: successor.isRecent },
    apis:
      apis?.map(({ identifier, followers, ...api }) => ({
        ...{ identifier, access_tokens: countOf(api.tokens), last_expires_at: api.lastExpiresAt },
        followers: followers.map(({ way, ip, lastSeenAt }) => ({ way, ip, last_seen_at: lastSeenAt })),
      })) ?? null,
  }
  const rows = (apis ?? []).map(({ identifier, followers, ...api }) => ({
    ...{ api: identifier, access_tokens: inWords(api.tokens) },
    followers: followers.map(({ way, ip }) => `${ip} (${way})`).join(', ') || 'none seen',
  }))
  const recent = successor?.isRecent ? `\n\n${RECENT_SUCCESSOR}` : ''
  return { json, text: `Nothing was changed.\n\naccess tokens: ${inWords(tokens)}\n\n${table(rows)}${recent}` }
}

const RECENT_SUCCESSOR =
  'The next key was published less than a minute ago: resource servers that cache the key set may refuse its tokens.'

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

  addDryRun(signingKey.command('revoke'))
    .description('Revoke a key: every token that it signed is inactive at once; if it is current, the next key signs')
    .argument('<kid>', 'key ID')
    .action(
      withInstance<DryRunOption>(async ({ management, principal }, { dryRun }, kid: string) => {
        if (dryRun) return impactResult(await revokeSigningKey.dryRun(management, principal, { kid }))
        const key = await revokeSigningKey(management, principal, { kid })
        const json = {
          kid: key.kid,
          algorithm: key.alg,
          state: key.state,
          age: key.age,
          successor: key.successor,
          pending_nodes: key.pendingNodes,
        }
        return { json, text: table([json]) }
      }),
    )
}
