import { z } from 'zod'
import { MAX_SESSIONS } from '../../accounts/user-sessions.ts'
import { listSessions } from '../../management/session-operations.ts'
import { toDomain, toWire } from '../../shared/wire-names.ts'
import { id, idText, timestamp } from '../fields.ts'
import { type ApiRoute, route } from '../route.ts'

const session = z
  .object({
    id: idText.meta({ description: 'Names the session; it is not the value of its cookie' }),
    browser: z
      .string()
      .nullable()
      .meta({ description: 'As its User-Agent says; null: unknown', examples: ['Firefox'] }),
    system: z
      .string()
      .nullable()
      .meta({ description: 'The operating system; null: unknown', examples: ['Windows'] }),
    address: z.string().nullable().meta({ description: 'The IP address of the last recorded request' }),
    signed_in_at: timestamp,
    last_used_at: timestamp.meta({ description: 'To within a few minutes' }),
  })
  .meta({ id: 'UserSession' })

export const USER_SESSION_ROUTES: readonly ApiRoute[] = [
  route({
    method: 'get',
    path: '/users/{user_id}/sessions',
    operation: listSessions,
    id: 'listSessionsOfUser',
    tag: 'Users',
    summary: 'List where a user is signed in, the session that was used last first',
    description: `At most ${MAX_SESSIONS}. \`DELETE /users/{user_id}/tokens\` ends all sessions of the user, and revokes the tokens.`,
    params: z.strictObject({ user_id: id }),
    responses: { 200: z.object({ items: z.array(session) }) },
    handle: async ({ management, who, params }) => ({
      body: { items: (await listSessions(management, who, toDomain(params))).map(toWire) },
    }),
  }),
]
