import { z } from 'zod'
import { ACCOUNT_ROLE, PROFILE_ATTRIBUTES } from '../../accounts/user-attributes.ts'
import { acceptSignIn, readSignInChallenge, rejectSignIn } from '../../management/sign-in-challenge-operations.ts'
import { toWire } from '../../shared/wire-names.ts'
import { attributeSchemas } from '../attribute-schemas.ts'
import { idText, timestamp } from '../fields.ts'
import { type ApiRoute, route } from '../route.ts'

const TAG = 'Sign-in challenges'

const params = z.strictObject({
  challenge: z.string().max(8000).meta({ description: 'The query parameter `sign_in_challenge` of your sign-in URL' }),
})

const described = z
  .object({
    application: z
      .object({ client_id: z.string(), name: z.string() })
      .nullable()
      .meta({ description: 'The application that requests the sign-in; null: the console' }),
    user: z
      .object({ id: idText, external_id: z.string().nullable() })
      .nullable()
      .meta({ description: 'The user who is signed in here and must sign in again; null: nobody' }),
    prompt: z
      .enum(['login'])
      .nullable()
      .meta({ description: '`login`: ask the user to sign in although your product has a session of theirs' }),
    max_age: z.number().int().nullable().meta({
      description: 'The sign-in at your product must not be older than this, in seconds; null: no limit',
    }),
    login_hint: z.string().nullable().meta({ description: 'From the request of the application: not verified' }),
    ui_locales: z.array(z.string()).meta({ description: 'Preferred languages (BCP 47), the most preferred first' }),
    acr_values: z.array(z.string()).meta({ description: 'The requested authentication context classes' }),
    expires_at: timestamp,
  })
  .meta({ id: 'SignInChallenge' })

const { email, name } = attributeSchemas(PROFILE_ATTRIBUTES)
const { role } = attributeSchemas({ role: ACCOUNT_ROLE })

const user = z.strictObject({
  id: z.string().max(100).optional().meta({ description: 'The ID of a user here, in place of `external_id`' }),
  external_id: z
    .string()
    .max(1000)
    .optional()
    .meta({ description: 'Your own ID of the user', examples: ['usr_17'] }),
  email: email.optional().meta({ description: 'With an address, the user is created, or updated by `external_id`' }),
  name: name.optional(),
  role: role.optional().meta({ description: 'Absent: the present role; a new user becomes a member' }),
})

const acceptance = z
  .strictObject({
    user,
    account: z
      .string()
      .max(1000)
      .optional()
      .meta({
        description:
          'The ID or the external ID of the account in which the user signs in; required for a new user. Absent: the first account of the user',
        examples: ['cus_8Jx2'],
      }),
    account_fixed: z.boolean().default(false).meta({
      description:
        'The session stays in the account, and cannot change the password, second factors or address of the user',
    }),
    acr: z
      .string()
      .min(1)
      .max(200)
      .optional()
      .meta({ description: 'The authentication context class, if the instance believes it (`sign_in_url_mfa`)' }),
    amr: z
      .array(z.string().regex(/^[\w.:-]{1,40}$/))
      .max(10)
      .default([])
      .meta({ description: 'How the user signed in (RFC 8176); `mfa` counts if the instance believes it' }),
    auth_time: z
      .number()
      .int()
      .min(0)
      .max(253_402_300_799)
      .optional()
      .meta({
        description:
          'When the user last proved who they are at your product, in seconds since 1970; required if the challenge has `prompt` or `max_age`. Absent: now',
        examples: [1764450000],
      }),
  })
  .meta({
    id: 'SignInAcceptance',
    examples: [
      { user: { external_id: 'usr_17', email: 'ada@example.com', role: 'admin' }, account: 'cus_8Jx2', amr: ['pwd'] },
    ],
  })

/** RFC 6749, section 4.1.2.1; OpenID Connect Core, section 3.1.2.6. */
const ERRORS = ['access_denied', 'login_required', 'account_selection_required', 'temporarily_unavailable'] as const

const rejection = z
  .strictObject({
    error: z.enum(ERRORS).default('access_denied').meta({ description: 'The error that the application receives' }),
    error_description: z
      .string()
      .regex(/^[\x20-\x21\x23-\x5b\x5d-\x7e]{1,200}$/)
      .optional()
      .meta({ description: 'For the developers of the application: ASCII, without quotation marks or backslashes' }),
  })
  .meta({ id: 'SignInRejection', examples: [{ error: 'access_denied' }] })

const answered = z
  .object({
    redirect_to: z.string().meta({ description: 'Redirect the browser of the user to it, within two minutes' }),
  })
  .meta({ id: 'AnsweredSignInChallenge' })

const ONCE = 'A challenge is answered once: a second answer is a conflict.'

/** Sign-in at the operator's own product. */
export const SIGN_IN_CHALLENGE_ROUTES: readonly ApiRoute[] = [
  route({
    method: 'get',
    path: '/sign-in-challenges/{challenge}',
    operation: readSignInChallenge,
    id: 'readSignInChallenge',
    tag: TAG,
    summary: 'Retrieve a sign-in that waits for your product',
    description: 'Challenges expire after 15 minutes.',
    params,
    responses: { 200: described },
    handle: async ({ management, who, params }) => ({
      body: toWire(await readSignInChallenge(management, who, params)),
    }),
  }),
  route({
    method: 'put',
    path: '/sign-in-challenges/{challenge}/accept',
    operation: acceptSignIn,
    id: 'acceptSignIn',
    tag: TAG,
    summary: 'Accept a sign-in',
    description: `Call this after the user signed in at your product, in the browser that brought the challenge. ${ONCE}`,
    params,
    body: acceptance,
    responses: { 200: answered },
    handle: async ({ management, who, params, body }) => {
      const { user, account_fixed: accountFixed, auth_time: seconds, account, acr, amr } = body
      const { external_id: externalId, ...known } = user
      const authTime = seconds === undefined ? undefined : new Date(seconds * 1000)
      const acceptance = { ...params, user: { ...known, externalId }, account, accountFixed, acr, amr, authTime }
      return { body: toWire(await acceptSignIn(management, who, acceptance)) }
    },
  }),
  route({
    method: 'put',
    path: '/sign-in-challenges/{challenge}/reject',
    operation: rejectSignIn,
    id: 'rejectSignIn',
    tag: TAG,
    summary: 'Reject a sign-in',
    description: `The application receives the error; a user without an application sees a page. ${ONCE}`,
    params,
    body: rejection,
    responses: { 200: answered },
    handle: async ({ management, who, params, body }) => {
      const rejected = { ...params, error: body.error, description: body.error_description }
      return { body: toWire(await rejectSignIn(management, who, rejected)) }
    },
  }),
]
