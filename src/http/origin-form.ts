import type { RequestListener } from 'node:http'

const ABSOLUTE = /^[a-z][a-z0-9+.-]*:\/\/([^/?#]*)(.*)$/i

/**
 * Gives the listener each target in origin form. A target in absolute form is sent to proxies, and every server must
 * accept it; its host takes the place of the Host header (RFC 9112, section 3.2.2).
 */
export const withOriginForm =
  (listener: RequestListener): RequestListener =>
  (req, res) => {
    const [, host, rest] = ABSOLUTE.exec(req.url ?? '') ?? []
    if (host !== undefined && rest !== undefined) {
      req.headers.host = host
      req.url = rest.startsWith('/') ? rest : `/${rest}`
    }
    listener(req, res)
  }
