import argon2 from 'argon2'

/** OWASP's minimum for argon2id at this time: 19 MiB, 2 passes, 1 lane. */
const PARAMETERS = { type: argon2.argon2id, memoryCost: 19_456, timeCost: 2, parallelism: 1 } as const

/** The PHC string of a password that a person chose or was given for once. */
export const hashPassword = (password: string): Promise<string> => argon2.hash(password, PARAMETERS)
