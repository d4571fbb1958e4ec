import { z } from 'zod'
import { ACCOUNT_ROLE, PROFILE_ATTRIBUTES } from '../../accounts/user-attributes.ts'
import { CONSOLE_SESSION_PAGES } from '../../clients/console-session-tickets.ts'
import {
  createConsoleSession,
  createDelegatedToken,
  DELEGATED_SCOPES,
} from '../../management/console-session-operations.ts'
import { toDomain, toWire } from '../../shared/wire-names.ts'
import { attributeSchemas } from '../attribute-schemas.ts'
import { idText, timestamp } from '../fields.ts'
import { type ApiRoute, route } from '../route.ts'

const { email, name } = attributeSchemas(PROFILE_ATTRIBUTES)
const { role } = attributeSchemas({ role: ACCOUNT_ROLE })

const user = z.strictObject({
  external_id: z.string().meta({ description: 'Your own ID of the user', examples: ['usr_17'] }),
  email,
  name: name.optional(),
  role: role.optional().meta({ description: 'Absent: the present role; a new user becomes a member' }),
})

const request = z
  .strictObject({
    account: z
      .string()
      .max(200)
      .meta({ description: 'The ID or the external ID of the account', examples: ['cus_8Jx2'] }),
    user,
    pages: z.array(z.enum(CONSOLE_SESSION_PAGES)).min(1).max(20).meta({ description: 'What the session can show' }),
    return_url: z
      .string()
      .max(2000)
      .meta({ description: 'A page of your product, of one of the `product_origins` of the instance' }),
    embed_origin: z
      .string()
      .max(200)
      .optional()
      .meta({
        description:
          'The origin of your pages that show those of the session in a frame, of the `product_origins`. Without it, no page can be framed',
        examples: ['https://app.example.com'],
      }),
  })
  .meta({
    id: 'ConsoleSessionRequest',
    examples: [
      {
        account: 'cus_8Jx2',
        user: { external_id: 'usr_17', email: 'ada@example.com', name: 'Ada', role: 'admin' },
        pages: ['keys'],
        return_url: 'https://app.example.com/settings',
      },
    ],
  })

const created = z
  .object({
    url: z.string().meta({ description: 'Opens the session once. Redirect the browser of the user to it' }),
    expires_at: timestamp,
  })
  .meta({ id: 'ConsoleSession' })

export const CONSOLE_SESSION_ROUTES: readonly ApiRoute[] = [
  route({
    method: 'post',
    path: '/console-sessions',
    operation: createConsoleSession,
    id: 'createConsoleSession',
    tag: 'Console sessions',
    summary: 'Create a URL that opens the console for a user',
    description:
      'For a service of yours that acts for itself, which answers for the user: no sign-in at Keywright follows. The URL works once, for five minutes. The user is created, or updated, by the external ID. The session is limited to the account and the pages, ends after an hour at the latest, and cannot change how the user signs in.',
    body: request,
    responses: { 201: created },
    idempotent: true,
    handle: async ({ management, who, body }) => ({
      body: toWire(await createConsoleSession(management, who, { ...toDomain(body), user: toDomain(body.user) })),
    }),
  }),
  route({
    method: 'post',
    path: '/console-sessions/tokens',
    operation: createDelegatedToken,
    id: 'createDelegatedToken',
    tag: 'Console sessions',
    summary: 'Obtain a token of this API that acts for a user',
    description:
      'For pages of your own in place of those of the console: your back end calls this API with the token, for ten minutes, as the user and limited to the account. The token ends with the one that you request it with. The claim `act` names the service. The user is created, or updated, by the external ID. Keep the token in the back end.',
    body: z
      .strictObject({
        account: request.shape.account,
        user,
        scopes: z
          .array(z.enum(DELEGATED_SCOPES))
          .min(1)
          .max(20)
          .meta({
            description: 'Scopes that the token of the service has too',
            examples: [['key_pairs:read', 'key_pairs:write']],
          }),
      })
      .meta({
        id: 'DelegatedTokenRequest',
        examples: [
          {
            account: 'cus_8Jx2',
            user: { external_id: 'usr_17', email: 'ada@example.com', role: 'admin' },
            scopes: ['key_pairs:read', 'key_pairs:write'],
          },
        ],
      }),
    responses: {
      201: z
        .object({
          access_token: z.string(),
          token_type: z.literal('Bearer'),
          expires_in: z
            .number()
            .int()
            .meta({ description: 'Seconds', examples: [600] }),
          scope: z.string(),
          user_id: idText,
        })
        .meta({ id: 'DelegatedToken' }),
    },
    async handle({ management, who, body }) {
      const issued = await createDelegatedToken(management, who, { ...body, user: toDomain(body.user) })
      return { body: { ...toWire(issued), token_type: 'Bearer' as const } }
    },
  }),
]
