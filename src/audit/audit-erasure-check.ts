/** An event as verification reads it: the users whose fields were erased, and what the event says was done. */
export interface Erasable {
  readonly seq: number | string
  readonly id: string
  readonly action: string
  readonly target_id: string
  readonly erased_actor: string | null
  readonly erased_target: string | null
}

/** The event that explains erased fields of its target. It is chained after every event of the user. */
export const ERASING_ACTION = 'user.deleted'

/** Finds erased fields of users whom no chained event calls deleted. Its memory follows the number of these users. */
export function createErasureCheck() {
  const first = new Map<string, Erasable>()
  const deleted = new Set<string>()
  let count = 0
  return {
    /** Deletions whose events are not chained yet. */
    explain(users: readonly string[]): void {
      for (const user of users) deleted.add(user)
    },
    look(event: Erasable): void {
      if (event.action === ERASING_ACTION) deleted.add(event.target_id)
      const users = [event.erased_actor, event.erased_target].filter((user) => user !== null)
      if (users.length > 0) count++
      for (const user of users) if (!first.has(user)) first.set(user, event)
    },
    count: () => count,
    /** The first event of each. */
    unexplained: (): Erasable[] => [...first].filter(([user]) => !deleted.has(user)).map(([, event]) => event),
  }
}
