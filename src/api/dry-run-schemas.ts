import { z } from 'zod'
import type { DryRunResult } from '../management/dry-run.ts'
import { toWire } from '../shared/wire-names.ts'
import { bounded, clientId, timestamp } from './fields.ts'

/** The query parameter of every route that has a dry run. */
export const dryRunParameter = z
  .enum(['true', 'false'])
  .optional()
  .meta({
    description: 'true: describe the callers that the request would affect, and change nothing',
    examples: ['true'],
  })

const caller = z
  .object({
    client_id: clientId,
    client_name: z.string(),
    ip: z.string(),
    api: z.string().nullable().meta({ description: 'The API that the caller got tokens for; null: no token' }),
    last_used_at: timestamp.meta({ description: 'With a precision of five minutes' }),
  })
  .meta({ id: 'CallerOfClient' })

/** The response to a request with `dry_run=true`. */
export const dryRunSchema = z
  .object({
    dry_run: z.literal(true),
    clients: bounded.meta({ description: 'Clients that would stop, be deleted or lose their own tokens' }),
    access_tokens: bounded
      .nullable()
      .meta({ description: 'Valid access tokens that would be revoked; null: too many to count' }),
    refresh_tokens: bounded
      .nullable()
      .meta({ description: 'Valid refresh tokens that would be revoked; null: too many to count' }),
    callers: z
      .array(caller)
      .meta({ description: 'The callers of these clients in the last 24 hours, the latest first, at most 50' }),
    has_more_callers: z.boolean().meta({ description: 'There may be more callers than those listed' }),
  })
  .meta({ id: 'DryRun', description: 'What the request would affect. Nothing was changed' })

export const viewDryRun = (result: DryRunResult) => ({ dry_run: true as const, ...toWire(result) })
