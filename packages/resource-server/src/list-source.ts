import { type Fetch, fetchBounded } from './bounded-fetch.ts'
import { InvalidAnswerError } from './errors.ts'
import { type ListCopy, type ListTrust, verifyListToken } from './list-token.ts'

export interface FetchedList {
  readonly copy: ListCopy
  readonly etag: string | undefined
}

/** The newest copy of a list; undefined where the server says that `etag` is still the newest. */
export type ListSource = (uri: string, etag: string | undefined) => Promise<FetchedList | undefined>

export interface ListSourceOptions extends ListTrust {
  readonly fetch: Fetch
  /** Milliseconds. */
  readonly timeout: number
}

const MEDIA_TYPE = 'application/statuslist+jwt'

/** base64url and JSON around the list, and some room. */
const tokenBytes = (listBytes: number) => 2 * listBytes + 16_384

/** Token Status List, sections 8.1 and 8.2. */
export function createListSource(options: ListSourceOptions): ListSource {
  const bounds = { maxBytes: tokenBytes(options.maxListBytes), timeout: options.timeout }

  return async (uri, etag) => {
    const headers = { accept: MEDIA_TYPE, ...(etag !== undefined && { 'if-none-match': etag }) }
    const { response, body } = await fetchBounded(options.fetch, uri, headers, bounds)
    if (response.status === 304) {
      if (etag === undefined) throw new InvalidAnswerError('answered 304 without having been asked for it')
      return undefined
    }
    const type = response.headers.get('content-type')?.split(';')[0]?.trim().toLowerCase()
    if (type !== MEDIA_TYPE) throw new InvalidAnswerError(`is ${type}, not ${MEDIA_TYPE}`)
    const copy = await verifyListToken(new TextDecoder().decode(body).trim(), uri, options)
    return { copy, etag: response.headers.get('etag') ?? undefined }
  }
}
