import { MAX_LIMIT, type PageOf, type PageRequest } from '../management/paging.ts'

/** All items of a list, which an operation returns page by page. */
export async function readAllPages<Item>(readPage: (request: PageRequest) => Promise<PageOf<Item>>): Promise<Item[]> {
  const items: Item[] = []
  let after: string | undefined
  do {
    const page: PageOf<Item> = await readPage({ after, limit: MAX_LIMIT })
    items.push(...page.items)
    after = page.next ?? undefined
  } while (after !== undefined)
  return items
}
