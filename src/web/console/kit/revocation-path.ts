/** The page about the effect of a client's latest revocation. @param rest such as `?notice=revoked` */
export const revocationPath = (clientId: string, rest = ''): string =>
  `/revocations/${encodeURIComponent(clientId)}${rest}`
