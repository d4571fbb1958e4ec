/** The maximum number of addresses per client between two resets: a secret may be used from any number of addresses. */
const MAX_ADDRESSES = 100

/** The maximum number of user agents per client beyond the first one of each address. A caller chooses its user agent. */
const MAX_AGENTS = 20

function takeFrom(counts: Map<number, number>, clientKey: number, max: number): boolean {
  const count = counts.get(clientKey) ?? 0
  if (count >= max) return false
  counts.set(clientKey, count + 1)
  return true
}

/** The callers that were recorded since the last reset, each with its user agents. */
export class SeenCallers {
  readonly #max: number
  /** The number of the first user agent of each caller: nearly all have one. */
  readonly #first = new Map<string, number>()
  readonly #further = new Set<string>()
  readonly #addressesOf = new Map<number, number>()
  readonly #agentsOf = new Map<number, number>()

  constructor(max: number) {
    this.#max = max
  }

  has(caller: string, agent: number): boolean {
    const first = this.#first.get(caller)
    return first === agent || (first !== undefined && this.#further.has(`${caller} ${agent}`))
  }

  /** Adds a caller that is not there yet. False: its client has too many. */
  add(clientKey: number, caller: string, agent: number): boolean {
    const isNew = !this.#first.has(caller)
    const hasRoom = isNew
      ? takeFrom(this.#addressesOf, clientKey, MAX_ADDRESSES)
      : takeFrom(this.#agentsOf, clientKey, MAX_AGENTS)
    if (!hasRoom) return false
    if (this.#first.size + this.#further.size >= this.#max) this.reset()
    if (isNew) this.#first.set(caller, agent)
    else this.#further.add(`${caller} ${agent}`)
    return true
  }

  reset(): void {
    this.#first.clear()
    this.#further.clear()
    this.#addressesOf.clear()
    this.#agentsOf.clear()
  }
}
