import { InvalidAnswerError } from './errors.ts'

export type Fetch = (url: string, init: RequestInit) => Promise<Response>

/** Bytes and milliseconds. */
export interface Bounds {
  readonly maxBytes: number
  readonly timeout: number
}

/** What a stream yields, in one piece. @throws InvalidAnswerError beyond that many bytes, of which no more is read */
export async function readBounded(stream: ReadableStream<Uint8Array>, maxBytes: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  let length = 0
  // Leaving this loop by an error cancels the stream.
  for await (const chunk of stream) {
    length += chunk.byteLength
    if (length > maxBytes) throw new InvalidAnswerError(`more than ${maxBytes} bytes`)
    chunks.push(chunk)
  }
  const whole = new Uint8Array(length)
  let offset = 0
  for (const chunk of chunks) {
    whole.set(chunk, offset)
    offset += chunk.byteLength
  }
  return whole
}

/**
 * GET, of 200 or 304. Redirects are not followed: where they lead nobody has allowed.
 * @throws InvalidAnswerError for any other status, or an answer too long; what fetch throws, and TimeoutError
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
    // An unread body would keep its connection.
    await response.body?.cancel()
    throw new InvalidAnswerError(`answered ${response.status}`)
  }
  const body = response.body ? await readBounded(response.body, maxBytes) : new Uint8Array()
  return { response, body }
}
