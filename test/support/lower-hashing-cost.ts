/**
 * A set-up file of Vitest: loads low-hashing-cost.ts in the place of src/accounts/hashing-cost.ts. Neither a setting nor an
 * environment variable of the product lowers the cost.
 */
import { registerHooks } from 'node:module'

const REAL = new URL('../../src/accounts/hashing-cost.ts', import.meta.url).href
const LOW = new URL('./low-hashing-cost.ts', import.meta.url).href

registerHooks({
  resolve(specifier, context, next) {
    const resolved = next(specifier, context)
    return resolved.url === REAL ? { ...resolved, url: LOW } : resolved
  },
})
