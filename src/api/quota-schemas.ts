import { z } from 'zod'

const count = z.number().int()

/** How much of quotas is used. */
export const quotaUses = z.array(
  z.object({
    owner: z.enum(['client', 'account']),
    window: z.enum(['hour', 'day']),
    limit: count,
    used: count.meta({ description: 'More than limit if the quota is only observed' }),
    mode: z.enum(['enforce', 'observe']),
    resets_in: count.meta({ description: 'Seconds until the window ends' }),
  }),
)
