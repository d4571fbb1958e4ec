/** A host at which clients describe themselves (client ID metadata documents), over TLS that this process trusts. */
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import type { ServerResponse } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import { createCertificates } from './certificates.ts'

type Respond = (response: ServerResponse) => void

/** What a document says beside its own URL. */
type Members = Record<string, unknown>

export const documentText = (url: string, members: Members = {}): string =>
  JSON.stringify({
    client_id: url,
    client_name: 'Editor',
    redirect_uris: ['https://app.example.com/callback'],
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
    token_endpoint_auth_method: 'none',
    ...members,
  })

const sendText =
  (text: string, headers: Record<string, string> = {}): Respond =>
  (response) =>
    response.writeHead(200, { 'content-type': 'application/json', ...headers }).end(text)

export type DocumentHost = Awaited<ReturnType<typeof startDocumentHost>>

/** Starts the host. `OUTGOING_ALLOW` must name `localhost`. */
export async function startDocumentHost() {
  const directory = mkdtempSync(join(tmpdir(), 'keywright-documents-'))
  const { ca, cert, key } = createCertificates(directory, 'documents')
  const trusted = getCACertificates('default')
  setDefaultCACertificates([...trusted, readFileSync(ca, 'utf8')])
  const responses = new Map<string, Respond>()
  const requests: string[] = []
  const server = createServer({ cert: readFileSync(cert), key: readFileSync(key) }, (request, response) => {
    requests.push(request.url!)
    const respond = responses.get(request.url!)
    if (respond) respond(response)
    else response.writeHead(404).end()
  }).listen(0, 'localhost')
  await once(server, 'listening')
  const host = `localhost:${(server.address() as AddressInfo).port}`
  let count = 0
  return {
    host,
    /** A new client ID, whose document has these members, and what it responds from now on. */
    publish(members: Members = {}) {
      const path = `/clients/${++count}.json`
      const url = `https://${host}${path}`
      responses.set(path, sendText(documentText(url, members)))
      return {
        url,
        describe: (changed: Members, headers?: Record<string, string>) =>
          void responses.set(path, sendText(documentText(url, changed), headers)),
        respond: (next: Respond) => void responses.set(path, next),
        respondText: (text: string, headers?: Record<string, string>) =>
          void responses.set(path, sendText(text, headers)),
        requests: () => requests.filter((one) => one === path).length,
      }
    },
    stop() {
      setDefaultCACertificates(trusted)
      server.closeAllConnections()
      server.close()
      rmSync(directory, { recursive: true })
    },
  }
}
