import { z } from 'zod'
import { INSPECTION_REASONS, type InspectionReason } from '../../inspection/inspection-reasons.ts'
import { inspect } from '../../management/inspection-operations.ts'
import { LONGEST_INSPECTED } from '../../shared/longest-inspected.ts'
import { toWire } from '../../shared/wire-names.ts'
import { apiIdentifier, clientId, idText, timestamp } from '../fields.ts'
import { type ApiRoute, type Call, route } from '../route.ts'

const reason = z
  .enum(Object.keys(INSPECTION_REASONS) as [InspectionReason, ...InspectionReason[]])
  .nullable()
  .meta({ description: 'Why it does not work: a stable code (docs/operating/inspect.md)', examples: ['token_expired'] })

const explanation = z.string().nullable().meta({ description: 'The reason as a sentence, which may change' })

const finding = z
  .object({
    kind: z.enum(['access_token', 'client_secret', 'api_key', 'client', 'user']),
    works: z.boolean(),
    reason,
    explanation,
    since: timestamp.nullable().meta({ description: 'When it stopped working, if that is recorded' }),
    by: z
      .object({ type: z.string(), id: z.string().nullable(), label: z.string().nullable() })
      .nullable()
      .meta({ description: 'Who stopped it, if that is recorded' }),
    replaced_by: clientId.nullable().meta({ description: 'Client ID of the key pair that replaced this one' }),
    account: z.object({ id: idText, name: z.string() }).nullable(),
    user: z.object({ id: idText, email: z.string() }).nullable(),
    client: z
      .object({
        client_id: clientId,
        name: z.string().meta({ description: 'The client ID if the client was deleted' }),
        kind: z.string(),
        status: z.string(),
      })
      .nullable(),
    api: z.string().nullable().meta({ description: 'Identifier of the API that the token is for' }),
    token: z
      .object({
        jti: idText,
        scope: z.string(),
        user_id: idText.nullable(),
        account_id: idText.nullable().meta({ description: 'The account that the client acts for without a user' }),
        issued_at: timestamp,
        expires_at: timestamp,
      })
      .nullable(),
    secret: z
      .object({
        id: z.number().int(),
        last_four: z.string(),
        created_at: timestamp,
        retires_at: timestamp.nullable(),
      })
      .nullable(),
  })
  .meta({ id: 'InspectionFinding', description: 'A credential, client or user, whose it is, and whether it works' })

const result = z
  .object({
    kind: z.string().meta({ description: 'What the text looks like', examples: ['jwt'] }),
    works: z.boolean().nullable().meta({ description: 'Null: there are several candidates' }),
    reason,
    explanation,
    findings: z.array(finding),
    is_more: z.boolean().meta({ description: 'There are more candidates than `findings`' }),
  })
  .meta({ id: 'Inspection' })

const text = z
  .string()
  .max(LONGEST_INSPECTED)
  .meta({
    description:
      'A JWT, its `jti`, a client ID, a client secret or API key or its last four characters, an application name, or an email address',
    examples: ['kwc_0Zk3tQ9xWb7YpLr2VfHd'],
  })

const expected = {
  api: apiIdentifier.optional().meta({ description: 'The API that refused the token' }),
  scope: z.string().max(500).optional().meta({ description: 'A scope that the API needs' }),
}

const body = z.strictObject({ text, ...expected }).meta({ examples: [{ text: 'kwc_0Zk3tQ9xWb7YpLr2VfHd' }] })

const explained = <T extends { readonly reason: InspectionReason | null }>(value: T) => ({
  ...value,
  explanation: value.reason && INSPECTION_REASONS[value.reason],
})

async function reply({ management, who }: Pick<Call, 'management' | 'who'>, inspection: z.output<typeof body>) {
  const found = await inspect(management, who, inspection)
  return { body: toWire(explained({ ...found, findings: found.findings.map(explained) })) }
}

/** Not a query parameter: logs of servers and proxies hold addresses, and the text may be a secret. */
const TEXT_HEADER = 'Keywright-Inspect'

const SUMMARY = 'Find what a text is, whose it is and whether it works'

const COMMON = 'The text is neither stored, logged nor returned. An admin finds what belongs to the own account.'

const shared = { path: '/inspect', operation: inspect, tag: 'Tokens', responses: { 200: result } } as const

export const INSPECTION_ROUTES: readonly ApiRoute[] = [
  route({
    ...shared,
    method: 'get',
    id: 'inspectHeader',
    summary: `${SUMMARY}: the text is in a header`,
    description: `${COMMON} Headers of more than 16 KiB are refused; send a longer text as a body.`,
    query: z.strictObject(expected),
    headers: z.object({ [TEXT_HEADER]: text }),
    handle: (call) => reply(call, { text: call.headers[TEXT_HEADER]!, ...call.query }),
  }),
  route({
    ...shared,
    method: 'post',
    id: 'inspect',
    summary: SUMMARY,
    description: COMMON,
    body,
    handle: (call) => reply(call, call.body),
  }),
]
