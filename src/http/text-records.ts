import { Resolver } from 'node:dns/promises'

/** No such name, or no such record. */
const NONE = new Set(['ENOTFOUND', 'ENODATA', 'ESERVFAIL', 'EREFUSED', 'ETIMEOUT', 'ECONNREFUSED', 'EBADNAME'])

/** The TXT records of a name, each in one piece; none where DNS has or says nothing. It waits for at most some seconds. */
export async function textRecords(name: string): Promise<readonly string[]> {
  const resolver = new Resolver({ timeout: 2000, tries: 2 })
  try {
    return (await resolver.resolveTxt(name)).map((parts) => parts.join(''))
  } catch (error) {
    if (NONE.has(String((error as NodeJS.ErrnoException).code))) return []
    throw error
  }
}
