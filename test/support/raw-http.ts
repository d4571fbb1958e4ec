import { once } from 'node:events'
import { connect } from 'node:net'

/** What a server sends back for these very bytes, which no HTTP library would let pass. */
export async function sendRaw(url: string, bytes: string | Buffer): Promise<string> {
  const { hostname, port } = new URL(url)
  const socket = connect(Number(port), hostname)
  let answer = ''
  socket.on('data', (chunk) => {
    answer += chunk
  })
  // A reset after the answer is the server's good right.
  socket.on('error', () => {})
  await once(socket, 'connect')
  socket.write(bytes)
  await new Promise((resolve) => socket.once('close', resolve))
  return answer
}

/** A POST with this body, byte by byte, in HTTP/1.1. */
export function rawPost(path: string, headers: Record<string, string>, body: string | Buffer): Buffer {
  const all = { Host: 'localhost', Connection: 'close', 'Content-Length': `${Buffer.byteLength(body)}`, ...headers }
  const head = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`)
  return Buffer.concat([Buffer.from(`POST ${path} HTTP/1.1\r\n${head.join('')}\r\n`, 'latin1'), Buffer.from(body)])
}
