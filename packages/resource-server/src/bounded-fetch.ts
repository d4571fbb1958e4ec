import { InvalidResponseError } from './errors.ts'

export type Fetch = (url: string, init: RequestInit) => Promise<Response>

export interface Bounds {
  readonly maxBytes: number
  /** Milliseconds. */
  readonly timeout: number
}

/**
 * Returns the content of a stream.
 * @throws InvalidResponseError after more than `maxBytes`; the rest is not read
 */
export async function readBounded(stream: ReadableStream<Uint8Array>, maxBytes: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  let length = 0
  // An error that leaves this loop cancels the stream.
  for await (const chunk of stream) {
    length += chunk.byteLength
    if (length > maxBytes) throw new InvalidResponseError(`more than ${maxBytes} bytes`)
    chunks.push(chunk)
  }
  return concatenate(chunks, length)
}

function concatenate(chunks: readonly Uint8Array[], length: number): Uint8Array {
  const whole = new Uint8Array(length)
  let offset = 0
  for (const chunk of chunks) {
    whole.set(chunk, offset)
    offset += chunk.byteLength
  }
  return whole
}

/**
 * Sends a GET request and returns a 200 or 304 response with its body. Redirects are not followed: their target is not
 * trusted.
 * @throws InvalidResponseError for another status or a body that is too long; TimeoutError; what `fetch` throws
 */
export async function fetchBounded(
  fetch: Fetch,
  url: string,
  headers: NonNullable<RequestInit['headers']>,
  { maxBytes, timeout }: Bounds,
): Promise<{ response: Response; body: Uint8Array }> {
  const signal = AbortSignal.timeout(timeout)
  const response = await fetch(url, { headers, redirect: 'manual', cache: 'no-store', signal })
  if (response.status !== 200 && response.status !== 304) {
    // An unread body would keep its connection open.
    await response.body?.cancel()
    throw new InvalidResponseError(`HTTP status ${response.status}`)
  }
  const body = response.body ? await readBounded(response.body, maxBytes) : new Uint8Array()
  return { response, body }
}
