const LOOPBACK_NAMES = new Set(['localhost', '127.0.0.1', '[::1]'])

/** The origin without its port, if that is the application's choice at each start (RFC 8252, section 7.3). */
function comparableOrigin(uri: string): string | undefined {
  const url = URL.parse(uri)
  // The origin of a private-use scheme is `null`, which a sandboxed frame of any site also has.
  if (!url || !/^https?:$/.test(url.protocol)) return undefined
  return url.protocol === 'http:' && LOOPBACK_NAMES.has(url.hostname) ? `http://${url.hostname}` : url.origin
}

/** Whether the pages of an origin belong to a client with these redirect URIs, and may read its responses (CORS). */
export function isOriginOfClient(origin: string, redirectUris: readonly string[]): boolean {
  const comparable = comparableOrigin(origin)
  return comparable !== undefined && redirectUris.some((uri) => comparableOrigin(uri) === comparable)
}
