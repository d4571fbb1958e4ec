import { type Fetch, fetchBounded } from './bounded-fetch.ts'
import { InvalidResponseError } from './errors.ts'
import { type ListCopy, type ListRequirements, verifyListToken } from './status-list-token.ts'

export interface FetchedList {
  readonly copy: ListCopy
  readonly etag: string | undefined
}

/** Returns the newest copy of a list, or undefined if the server says that the copy with `etag` is the newest. */
export type ListSource = (uri: string, etag: string | undefined) => Promise<FetchedList | undefined>

export interface ListSourceOptions extends ListRequirements {
  readonly fetch: Fetch
  /** Milliseconds. */
  readonly timeout: number
}

const MEDIA_TYPE = 'application/statuslist+jwt'

/** The size of a token around an incompressible list: base64url twice, JSON, and a margin. */
const tokenBytes = (listBytes: number) => 2 * listBytes + 16_384

/** Fetches lists over HTTP (Token Status List, sections 8.1 and 8.2). */
export function createListSource(options: ListSourceOptions): ListSource {
  const bounds = { maxBytes: tokenBytes(options.maxListBytes), timeout: options.timeout }

  return async (uri, etag) => {
    const headers = { accept: MEDIA_TYPE, ...(etag !== undefined && { 'if-none-match': etag }) }
    const { response, body } = await fetchBounded(options.fetch, uri, headers, bounds)
    if (response.status === 304) {
      if (etag === undefined) throw new InvalidResponseError('HTTP status 304 to an unconditional request')
      return undefined
    }
    const type = response.headers.get('content-type')?.split(';')[0]?.trim().toLowerCase()
    if (type !== MEDIA_TYPE) throw new InvalidResponseError(`the content type is ${type}, not ${MEDIA_TYPE}`)
    const copy = await verifyListToken(new TextDecoder().decode(body).trim(), uri, options)
    return { copy, etag: response.headers.get('etag') ?? undefined }
  }
}
