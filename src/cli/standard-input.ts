import { Buffer } from 'node:buffer'

/** Reads standard input until it has more than so many bytes. */
export async function readStandardInput(longest: number): Promise<string> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of process.stdin as AsyncIterable<Buffer>) {
    chunks.push(chunk)
    size += chunk.length
    if (size > longest) break
  }
  return Buffer.concat(chunks).toString()
}
