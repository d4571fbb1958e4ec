import { z } from 'zod'
import { MAX_LIMIT } from '../management/paging.ts'

// What several routes take or show, in the names and forms of the wire.

/** Stays a Date until it is written as JSON; parts of statements bring it as text already. */
export const moment = z
  .custom<Date | string>((value) => value instanceof Date || typeof value === 'string')
  .meta({ type: 'string', format: 'date-time', examples: ['2026-11-21T09:30:00.000Z'] })

const EXAMPLE_ID = '019a7f3e-6c1b-7d52-9a54-3f1c2b7e8d90'

/** A UUID of ours. */
export const id = z.uuid().meta({ examples: [EXAMPLE_ID] })

export const clientId = z
  .string()
  .max(100)
  .meta({ examples: ['kwc_0Zk3tQ9xWb7YpLr2VfHd'] })

/** Shown: what is said of another thing by its id. */
export const idText = z.string().meta({ format: 'uuid', examples: [EXAMPLE_ID] })

export const secret = z.string().meta({
  description: 'Shown in this answer and never again',
  examples: ['kws_5fX0lC2mQ8vT1nR7bK4wZ9yH3dJ6sP0aGuEiOxLqMtV1c9Zk'],
})

export const apiIdentifier = z
  .string()
  .max(2000)
  .meta({ examples: ['https://api.example.com'] })

export const email = z
  .string()
  .max(1000)
  .meta({ examples: ['ada@example.com'] })

/** Judged by the features, which know how long it may be. */
export const name = z
  .string()
  .max(200)
  .meta({ examples: ['Billing export'] })

export const seconds = z
  .number()
  .int()
  .meta({ description: 'In seconds', examples: [3600] })

export const revision = z
  .number()
  .int()
  .meta({ description: 'Another one after each change; the ETag holds it', examples: [3] })

export const search = z
  .string()
  .max(200)
  .meta({ description: 'Beginnings of words, or a whole id', examples: ['bill'] })

/** Members of the query of every list. */
export const pageQuery = {
  limit: z.coerce
    .number()
    .int()
    .min(1)
    .max(MAX_LIMIT)
    .optional()
    .meta({ description: 'At most so many items', examples: [50] }),
  after: z.string().max(2000).optional().meta({ description: '`next` of the part before' }),
}

/** A part of a list. */
export const pageOf = <Item extends z.ZodType>(item: Item) =>
  z.object({
    items: z.array(item),
    next: z.string().nullable().meta({ description: 'For `after`; null: this was the last part' }),
  })

/** A part of a list as the wire has it: it is read in one direction, and not counted. */
export const viewPage = <Item, View>(
  { items, next }: { readonly items: readonly Item[]; readonly next: string | null },
  view: (item: Item) => View,
) => ({ items: items.map(view), next })

/** The text of a query, whole: what is left out is not undefined but not there. */
export const given = <Value extends object>(value: Value): Value =>
  Object.fromEntries(Object.entries(value).filter(([, one]) => one !== undefined)) as Value

export const revoked = z
  .number()
  .int()
  .nullable()
  .meta({ description: 'How many live tokens this ended; null: they were too many to be counted', examples: [2] })

export const bounded = z
  .object({ count: z.number().int(), is_more: z.boolean().meta({ description: 'There are more than that' }) })
  .meta({ id: 'BoundedCount' })
