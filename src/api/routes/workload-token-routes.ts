import { z } from 'zod'
import { checkWorkloadToken } from '../../management/workload-token-check.ts'
import { LONGEST_ASSERTION } from '../../shared/longest-assertion.ts'
import { REFUSAL_REASONS, type RefusalReason } from '../../shared/refusal-reasons.ts'
import { toWire } from '../../shared/wire-names.ts'
import { clientId } from '../fields.ts'
import { type ApiRoute, route } from '../route.ts'

/** With a signature that is none. */
const EXAMPLE_TOKEN = [
  { alg: 'RS256', typ: 'JWT' },
  { iss: 'https://token.actions.githubusercontent.com', repository: 'octo-org/app' },
  'signature',
]
  .map((part) => Buffer.from(typeof part === 'string' ? part : JSON.stringify(part)).toString('base64url'))
  .join('.')

const reason = z.enum(Object.keys(REFUSAL_REASONS) as [RefusalReason, ...RefusalReason[]])

const check = z
  .object({
    claim: z.string(),
    is_met: z.boolean(),
    required: z.string().meta({ description: 'What the trust requires' }),
    patterns: z
      .array(z.string())
      .optional()
      .meta({ description: 'Of a condition of the trust: its patterns. One must match' }),
    found: z.string().meta({ description: 'What the token has, shortened' }),
  })
  .meta({ id: 'WorkloadTokenClaim' })

const comparison = z
  .object({
    id: z.number().int().meta({ description: 'The trust, as in the secrets of the application' }),
    issuer: z.string(),
    audience: z.string().nullable().meta({ description: 'Null: the issuer identifier of this server' }),
    is_met: z.boolean().meta({ description: 'Whether the issuer signed the token and each claim is met' }),
    reason: reason.nullable().meta({ description: 'Why a request with the token is refused; null: it is met' }),
    failure: z.string().nullable().meta({ description: 'Why the token could not be verified' }),
    checks: z.array(check).meta({ description: 'Empty if the token could not be verified' }),
  })
  .meta({ id: 'TrustComparison' })

export const WORKLOAD_TOKEN_ROUTES: readonly ApiRoute[] = [
  route({
    method: 'post',
    path: '/applications/{client_id}/trusts/check',
    operation: checkWorkloadToken,
    id: 'checkWorkloadToken',
    tag: 'Applications',
    summary: 'Compare the token of a workload to the trusts of an application, claim by claim',
    description:
      'Nothing is issued, and the token is neither stored, logged nor returned. An earlier use of the token is not looked up.',
    params: z.strictObject({ client_id: clientId }),
    body: z
      .strictObject({
        token: z.string().min(1).max(LONGEST_ASSERTION).meta({ description: 'The JWT of the workload' }),
      })
      .meta({ id: 'WorkloadToken', examples: [{ token: EXAMPLE_TOKEN }] }),
    responses: {
      200: z
        .object({
          client_id: clientId,
          is_met: z.boolean().meta({ description: 'Whether the token meets one of the trusts' }),
          trusts: z.array(comparison),
        })
        .meta({ id: 'WorkloadTokenCheck' }),
    },
    async handle({ management, who, params, body }) {
      const given = { clientId: params.client_id, token: body.token }
      const { client, isMet, trusts } = await checkWorkloadToken(management, who, given)
      return { body: { client_id: client.clientId, is_met: isMet, trusts: toWire(trusts) } }
    },
  }),
]
