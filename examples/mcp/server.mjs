// An MCP server with two tools of different scopes. Keywright authorizes its clients.
import { serve } from '@hono/node-server'
import { createVerifier } from '@keywright/resource-server'
import { resourceMetadata } from '@keywright/resource-server/fetch'
import { authInfoOf, withMcpAccessToken } from '@keywright/resource-server/mcp'
import { createMcpHandler, McpServer } from '@modelcontextprotocol/server'
import { z } from 'zod'

const { ISSUER, RESOURCE, API_ID, API_SECRET, PORT = '9200' } = process.env

/** Every request needs `notes:read`. A tool that is not listed needs all the scopes. */
const SCOPES = {
  requiredScopes: ['notes:read'],
  tools: { list_notes: [], add_note: ['notes:write'] },
}

const verifier = createVerifier({
  issuer: ISSUER,
  audience: RESOURCE,
  statusList: { feed: { clientId: API_ID, clientSecret: API_SECRET } },
  onProblem: ({ code, message }) => process.stderr.write(`${code}: ${message}\n`),
})
verifier.start()

/** The notes of each user, in the memory of this process. */
const notes = new Map()

const text = (lines) => ({ content: [{ type: 'text', text: lines.join('\n') }] })

/** A server for one request: its tools see the notes of the user whose token came with it. */
function notesOf({ authInfo }) {
  const { subject } = authInfo.extra.accessToken
  const own = notes.get(subject) ?? []
  notes.set(subject, own)
  const server = new McpServer({ name: 'notes', version: '1.0.0' })
  server.registerTool('list_notes', { description: 'Lists your notes' }, () => text(own))
  server.registerTool(
    'add_note',
    { description: 'Adds a note', inputSchema: z.object({ note: z.string().max(1000) }) },
    ({ note }) => {
      own.push(note)
      return text([`${own.length} notes`])
    },
  )
  return server
}

const mcp = createMcpHandler(notesOf)

const guarded = withMcpAccessToken(
  verifier,
  (request, token, body) => mcp.fetch(request, { authInfo: authInfoOf(token), parsedBody: body }),
  SCOPES,
)

/** For clients in browsers: a token is needed to read anything, and no cookie grants access, so every origin may ask. */
const CORS = {
  'access-control-allow-origin': '*',
  'access-control-allow-headers':
    'Authorization, Content-Type, Mcp-Method, Mcp-Name, Mcp-Protocol-Version, Mcp-Session-Id',
  'access-control-expose-headers': 'WWW-Authenticate, Mcp-Session-Id',
}

async function withCors(answering) {
  const response = new Response((await answering).body, await answering)
  for (const [name, value] of Object.entries(CORS)) response.headers.set(name, value)
  return response
}

/** The metadata names the scope for a start; the challenges name the others when a tool needs them. */
const DESCRIPTION = { scopes: SCOPES.requiredScopes, name: 'Notes' }

function answer(request) {
  const metadata = resourceMetadata(verifier, request, DESCRIPTION)
  if (metadata) return metadata
  if (new URL(request.url).pathname !== new URL(RESOURCE).pathname) return new Response('Not found', { status: 404 })
  return withCors(request.method === 'OPTIONS' ? new Response(null, { status: 204 }) : guarded(request))
}

const server = serve({ fetch: answer, hostname: '127.0.0.1', port: Number(PORT) })
process.once('SIGTERM', () => server.close(() => verifier.close()))
