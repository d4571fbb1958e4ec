/** OWASP's minimum for argon2id at this time: 19 MiB, 2 passes, 1 lane. Tests of the other parts load a lower cost. */
export const HASHING_COST = { memoryCost: 19_456, timeCost: 2, parallelism: 1 } as const
