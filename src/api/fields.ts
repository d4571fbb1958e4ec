import { z } from 'zod'
import { MAX_LIMIT } from '../management/paging.ts'
import { ENVIRONMENTS } from '../shared/environments.ts'

// The fields that several routes share, in the names and formats of the JSON.

/** A Date, or the text that a JSON value of PostgreSQL holds. */
export const timestamp = z
  .custom<Date | string>((value) => value instanceof Date || typeof value === 'string')
  .meta({ type: 'string', format: 'date-time', examples: ['2026-11-21T09:30:00.000Z'] })

const EXAMPLE_ID = '019a7f3e-6c1b-7d52-9a54-3f1c2b7e8d90'

/** A UUID that Keywright generated. */
export const id = z.uuid().meta({ examples: [EXAMPLE_ID] })

export const clientId = z
  .string()
  .max(100)
  .meta({ examples: ['kwc_0Zk3tQ9xWb7YpLr2VfHd'] })

/** The environment of a named key pair. */
export const environment = z.enum(ENVIRONMENTS)

/** The id of another resource, in a response. */
export const idText = z.string().meta({ format: 'uuid', examples: [EXAMPLE_ID] })

export const secret = z.string().meta({
  description: 'Shown only in this response',
  examples: ['kws_5fX0lC2mQ8vT1nR7bK4wZ9yH3dJ6sP0aGuEiOxLqMtV1c9Zk'],
})

export const apiIdentifier = z
  .string()
  .max(2000)
  .meta({ examples: ['https://api.example.com'] })

export const revision = z
  .number()
  .int()
  .meta({ description: 'Increases with each change; the ETag holds it', examples: [3] })

export const search = z
  .string()
  .max(200)
  .meta({
    description: 'The beginnings of words, or a complete id; for operators also a complete external ID',
    examples: ['bill'],
  })

/** The query parameters of every list. */
export const pageQuery = {
  limit: z.coerce
    .number()
    .int()
    .min(1)
    .max(MAX_LIMIT)
    .optional()
    .meta({ description: 'The maximum number of items', examples: [50] }),
  after: z.string().max(2000).optional().meta({ description: '`next` of the previous page' }),
}

/** One page of a list. */
export const pageOf = <Item extends z.ZodType>(item: Item) =>
  z.object({
    items: z.array(item),
    next: z.string().nullable().meta({ description: 'The cursor for `after`; null: this is the last page' }),
  })

/** A page of a list in the response: the API pages forward only, and does not count. */
export const viewPage = <Item, View>(
  { items, next }: { readonly items: readonly Item[]; readonly next: string | null },
  view: (item: Item) => View,
) => ({ items: items.map(view), next })

export const revoked = z
  .number()
  .int()
  .nullable()
  .meta({ description: 'How many valid tokens this request revoked; null: too many to count', examples: [2] })

export const bounded = z
  .object({ count: z.number().int(), is_more: z.boolean().meta({ description: 'There are more than `count`' }) })
  .meta({ id: 'BoundedCount' })
