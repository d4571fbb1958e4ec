import type { IncomingMessage } from 'node:http'
import { KeywrightError } from '../shared/errors.ts'

/** The body was larger than allowed. */
export class BodyTooLargeError extends KeywrightError {
  constructor(limit: number) {
    super('invalid_input', `the request body is larger than ${limit} bytes`)
  }
}

/**
 * Reads a whole body of at most `limit` bytes. One that announces or turns out more is not read to its end.
 * @throws BodyTooLargeError
 */
export function readBody(req: IncomingMessage, limit: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let size = 0
    if (Number(req.headers['content-length'] ?? 0) > limit) return reject(new BodyTooLargeError(limit))
    req.on('data', (chunk: Buffer) => {
      size += chunk.length
      if (size > limit) {
        req.removeAllListeners('data')
        reject(new BodyTooLargeError(limit))
      } else chunks.push(chunk)
    })
    req.on('end', () => resolve(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks)))
    req.on('error', reject)
    req.on('aborted', () => reject(new KeywrightError('invalid_input', 'the request was cut off')))
  })
}
