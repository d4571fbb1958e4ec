import type { IncomingMessage } from 'node:http'
import { KeywrightError } from '../shared/errors.ts'
import { refuseEncodedNul } from './request-check.ts'

/** The body was larger than allowed. */
export class BodyTooLargeError extends KeywrightError {
  /** In bytes. */
  readonly limit: number

  constructor(limit: number) {
    super('invalid_input', `the request body is larger than ${limit} bytes`)
    this.limit = limit
  }
}

/** What is beyond the limit is read and thrown away up to here, so that the client gets to see why it was refused. */
const DRAIN_LIMIT = 8 * 1024 * 1024

/**
 * Reads a whole body of at most `limit` bytes.
 * @throws BodyTooLargeError once the rest has been thrown away; a sender of far too much is cut off
 */
export function readBody(req: IncomingMessage, limit: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let size = 0
    req.on('data', (chunk: Buffer) => {
      size += chunk.length
      if (size <= limit) chunks.push(chunk)
      else if (size > DRAIN_LIMIT) req.destroy()
    })
    req.on('end', () => {
      if (size > limit) reject(new BodyTooLargeError(limit))
      else resolve(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks))
    })
    // Every request ends with `close`, and an error with its stack takes 1 % of a token request.
    const cutOff = () => {
      if (!req.complete) reject(new KeywrightError('invalid_input', 'the request was cut off'))
    }
    req.on('error', cutOff)
    req.on('close', cutOff)
  })
}

/**
 * Reads a whole form in `application/x-www-form-urlencoded`, which is not parsed yet.
 * @throws BodyTooLargeError; MalformedRequestError for a NUL character
 */
export async function readFormText(req: IncomingMessage, limit: number): Promise<string> {
  const text = (await readBody(req, limit)).toString()
  refuseEncodedNul(text)
  return text
}
