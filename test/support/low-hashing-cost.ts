/** `HASHING_COST` in tests that use passwords and do not concern their hashes: a hash takes less than a millisecond. */
export const HASHING_COST = { memoryCost: 64, timeCost: 1, parallelism: 1 } as const
