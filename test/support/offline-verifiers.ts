import { createVerifier, type Verifier } from '../../packages/resource-server/src/index.ts'
import { ISSUER, type SharedNodes } from './nodes.ts'
import type { Credentials } from './requests.ts'

export type OfflineVerifiers = ReturnType<typeof createOfflineVerifiers>

/** Verifiers of an API that follow the feed of one node each, and look nothing up at another one. */
export function createOfflineVerifiers({ nodes }: SharedNodes, api: Credentials & { readonly identifier: string }) {
  const opened: Verifier[] = []

  const toNode = (n: number): typeof fetch =>
    ((url: string | URL | Request, init?: RequestInit) => {
      const { pathname, search } = new URL(String(url))
      return fetch(nodes[n]!.url + pathname + search, init)
    }) as typeof fetch

  return {
    /** Of the feed of a node, and of no look-up. */
    open(n: number): Verifier {
      const feed = { clientId: api.clientId, clientSecret: api.clientSecret! }
      const verifier = createVerifier({
        issuer: ISSUER,
        audience: api.identifier,
        fetch: toNode(n),
        statusList: { feed, maxAge: 600 },
      })
      opened.push(verifier)
      return verifier
    },

    /** `accepted`, or the code of the error. */
    async verdict(verifier: Verifier, token: string): Promise<string> {
      const request = { method: 'GET', url: `${api.identifier}/`, headers: { authorization: `Bearer ${token}` } }
      return await verifier.verify(request).then(
        () => 'accepted',
        (error: { code?: string }) => error.code ?? String(error),
      )
    },

    /** Closes those that are open. */
    close(): void {
      for (const verifier of opened.splice(0)) verifier.close()
    },
  }
}
