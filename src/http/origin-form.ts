import type { RequestListener } from 'node:http'

const SCHEME_AND_HOST = /^[a-z][a-z0-9+.-]*:\/\/([^/?#]*)/i

/**
 * Gives the listener each target in origin form. A target in absolute form is sent to proxies, and every server must
 * accept it; its host takes the place of the Host header (RFC 9112, section 3.2.2).
 */
export const withOriginForm =
  (listener: RequestListener): RequestListener =>
  (req, res) => {
    const target = req.url ?? ''
    const absolute = SCHEME_AND_HOST.exec(target)
    if (absolute) {
      const rest = target.slice(absolute[0].length)
      req.headers.host = absolute[1]
      req.url = rest.startsWith('/') ? rest : `/${rest}`
    }
    listener(req, res)
  }
