import { createRemoteJWKSet, customFetch, type JWTVerifyGetKey } from 'jose'
import { LRUCache } from 'lru-cache'

/** Milliseconds for which keys are used, and between two reads because of an unknown key. */
const KEYS_LIFETIME = 300_000
const KEYS_COOLDOWN = 30_000

/** The keys of providers, read when a token is verified. @param fetch as `UpstreamFetch` */
export function createUpstreamKeys(fetch: (url: string, init: RequestInit) => Promise<Response>) {
  const keySets = new LRUCache<string, JWTVerifyGetKey>({ max: 500 })

  /** @param key changes with the provider */
  return (key: string, jwksUri: string): JWTVerifyGetKey => {
    const name = `${key} ${jwksUri}`
    const known = keySets.get(name)
    if (known) return known
    const keys = createRemoteJWKSet(new URL(jwksUri), {
      [customFetch]: (url, init) => fetch(url, init as RequestInit),
      cooldownDuration: KEYS_COOLDOWN,
      cacheMaxAge: KEYS_LIFETIME,
    })
    keySets.set(name, keys)
    return keys
  }
}
