import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { type IncomingMessage, request, type ServerResponse } from 'node:http'
import { createServer } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createCertificates } from './certificates.ts'

/** Chromium finds every name under .test on this machine, and sends no cookie of another site that is not partitioned. */
export const SITES_ARGUMENTS = [
  '--host-resolver-rules=MAP *.test 127.0.0.1',
  '--test-third-party-cookie-phaseout',
  '--ignore-certificate-errors',
]

type Handler = (incoming: IncomingMessage, outgoing: ServerResponse) => void

/** Web sites over TLS, each at a name of its own. */
export function createTlsSites() {
  const directory = mkdtempSync(join(tmpdir(), 'keywright-sites-'))
  const { ca, cert, key } = createCertificates(directory, 'sites')
  const tls = { cert: readFileSync(cert), key: readFileSync(key) }
  const servers: ReturnType<typeof createServer>[] = []
  return {
    /** The file of the authority that a program needs to trust `https://localhost`. */
    ca,
    async serve(port: number, handle: Handler): Promise<void> {
      const server = createServer(tls, handle)
      servers.push(server)
      await new Promise<void>((listening) => server.listen(port, '127.0.0.1', listening))
    },
    async close(): Promise<void> {
      for (const server of servers)
        await new Promise((closed) => {
          server.close(closed)
          server.closeAllConnections()
        })
      rmSync(directory, { recursive: true })
    },
  }
}

/** What ends TLS in front of a server. */
export const forwardTo =
  (url: () => string): Handler =>
  (incoming, outgoing) => {
    const headers = { ...incoming.headers, 'x-forwarded-proto': 'https', 'x-forwarded-for': '127.0.0.1' }
    const passed = request(new URL(incoming.url!, url()), { method: incoming.method!, headers }, (answer) => {
      outgoing.writeHead(answer.statusCode!, answer.rawHeaders)
      answer.pipe(outgoing)
    })
    passed.on('error', () => outgoing.destroy())
    incoming.pipe(passed)
  }
