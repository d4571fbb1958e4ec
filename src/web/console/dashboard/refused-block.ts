import type { Bounded } from '../../../management/bounded-counts.ts'
import type { Block } from '../kit/blocks.ts'
import { boundedText } from '../kit/cells.ts'

interface Refused {
  /** In the last hour. */
  readonly refusedClients: Bounded
  /** For an operator: samples of the last day. */
  readonly unknownClients?: Bounded
}

/** How many clients were refused in the last hour, with a link to them; nothing if none was. */
export function refusedBlocks({ refusedClients, unknownClients }: Refused): Block[] {
  const hasUnknown = unknownClients !== undefined && unknownClients.count > 0
  if (refusedClients.count === 0 && !hasUnknown) return []
  const clients = {
    name: 'Refused clients',
    text: boundedText(refusedClients),
    href: '/usage',
    detail: `${refusedClients.count === 1 ? 'was' : 'were'} refused in the last hour`,
  }
  if (!hasUnknown) return [{ part: 'figures', figures: [clients] }]
  const detail = 'samples of the last 24 hours'
  const unknown = { name: 'Unknown client IDs', text: boundedText(unknownClients), href: '/usage', detail }
  return [{ part: 'figures', figures: [clients, unknown] }]
}
