import { createHash } from 'node:crypto'
import { z } from 'zod'
import type { ReportedLeak } from '../management/leak-operations.ts'
import { withoutSecrets } from '../shared/secrets.ts'

// The format of GitHub's secret scanning, which other scanners send too. Fields that GitHub adds later are ignored.

const EXAMPLE = {
  token: 'kws_…',
  type: 'keywright_client_secret',
  url: 'https://github.com/acme/shop/blob/12345600b9cbe38a219f39a9941c9319b600c002/config.yml',
  source: 'content',
}

const finding = z.object({
  token: z.string().meta({ description: 'A client secret, API key, refresh token or access token' }),
  type: z.string().max(500).optional().meta({ description: 'The name of the pattern that found it; it is returned' }),
  url: z.string().max(8000).optional().meta({ description: 'Where it was found; query and fragment are not stored' }),
  source: z.string().max(500).optional().meta({ description: 'The kind of place, such as `commit`' }),
})

type Finding = z.output<typeof finding>

export const findingsUpTo = (most: number) =>
  z
    .array(finding)
    .min(1)
    .max(most)
    .meta({ examples: [[EXAMPLE]] })

/** What GitHub learns of a finding: the hash of the text, never the text. */
export const toFeedback = ({ token, type }: Finding, { outcome }: ReportedLeak) => ({
  token_hash: createHash('sha256').update(token).digest('hex'),
  token_type: type === undefined ? null : withoutSecrets(type),
  label: outcome === 'not_found' ? ('false_positive' as const) : ('true_positive' as const),
})
