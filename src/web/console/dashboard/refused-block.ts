import type { ConsoleTranslate } from '../../../languages/console/console-translator.ts'
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
export function refusedBlocks(t: ConsoleTranslate, { refusedClients, unknownClients }: Refused): Block[] {
  const hasUnknown = unknownClients !== undefined && unknownClients.count > 0
  if (refusedClients.count === 0 && !hasUnknown) return []
  const clients = {
    name: t('Refused clients'),
    text: boundedText(t, refusedClients),
    href: '/usage',
    detail: t('{count, plural, one {was refused} other {were refused}} in the last hour', {
      count: refusedClients.count,
    }),
  }
  if (!hasUnknown) return [{ part: 'figures', figures: [clients] }]
  const detail = t('samples of the last 24 hours')
  const unknown = {
    name: t('Unknown client IDs'),
    text: boundedText(t, unknownClients),
    href: '/usage',
    detail,
  }
  return [{ part: 'figures', figures: [clients, unknown] }]
}
