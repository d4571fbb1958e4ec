import { z } from 'zod'
import { LEAK_KINDS } from '../../leaks/leak-patterns.ts'
import { dismissLeak, listLeaks, readLeak } from '../../management/leak-list-operations.ts'
import { reportLeaks } from '../../management/leak-operations.ts'
import { toDomain, toWire } from '../../shared/wire-names.ts'
import { clientId, id, idText, pageOf, pageQuery, timestamp, viewPage } from '../fields.ts'
import { findingsUpTo, toFeedback } from '../leak-findings.ts'
import { type ApiRoute, route } from '../route.ts'

const TAG = 'Leak reports'

/** Findings in one request. */
const MAX_FINDINGS = 100

const feedback = z
  .object({
    token_hash: z.string().meta({ description: 'SHA-256 of the reported text, in hexadecimal' }),
    token_type: z.string().nullable().meta({ description: '`type` of the finding' }),
    label: z
      .enum(['true_positive', 'false_positive'])
      .meta({ description: '`true_positive`: Keywright issued it, and you may know that' }),
    kind: z.enum(LEAK_KINDS).nullable().meta({ description: 'Null: a false positive' }),
    outcome: z.enum(['revoked', 'reported', 'inactive', 'not_found']).meta({
      description:
        '`revoked`: it was revoked because of a report; `reported`: its account wants reports only; `inactive`: it worked no longer',
    }),
  })
  .meta({ id: 'LeakFeedback' })

const leak = z
  .object({
    id: idText,
    kind: z.enum(LEAK_KINDS),
    account_id: idText.nullable(),
    client: z.object({ client_id: clientId, name: z.string(), kind: z.string() }).nullable(),
    last_four: z.string().nullable(),
    is_revoked: z.boolean().meta({ description: 'false: the account wants reports only' }),
    is_open: z.boolean().meta({ description: 'Nobody has dismissed the report, and the secret is not replaced' }),
    url: z.string().nullable().meta({ description: 'Where it was found, without query and fragment' }),
    source: z.string().nullable(),
    reporter: z.enum(['api', 'github']),
    reported_at: timestamp,
    dismissed_at: timestamp.nullable(),
  })
  .meta({ id: 'LeakReport', description: 'A report of a leaked client secret, API key or token' })

const oneLeak = z.strictObject({ leak_id: id })

export const LEAK_REPORT_ROUTES: readonly ApiRoute[] = [
  route({
    method: 'post',
    path: '/leak-reports',
    operation: reportLeaks,
    id: 'reportLeaks',
    tag: TAG,
    summary: 'Report leaked client secrets, API keys and tokens, which revokes them',
    description:
      "Whether a credential is revoked or only reported is the account's setting `leaked_credentials`. The texts are neither stored, logged nor returned. A repeated report changes nothing. An admin reports for the own account. GitHub sends the same body with its signature instead of an access token (docs/secret-scanning.md).",
    body: findingsUpTo(MAX_FINDINGS),
    responses: { 200: z.array(feedback) },
    async handle({ management, who, body: findings }) {
      const reported = await reportLeaks(management, who, { findings, reporter: 'api' })
      return { body: findings.map((finding, n) => ({ ...toFeedback(finding, reported[n]!), ...reported[n]! })) }
    },
  }),
  route({
    method: 'get',
    path: '/leak-reports',
    operation: listLeaks,
    id: 'listLeakReports',
    tag: TAG,
    summary: 'List the reports of leaked credentials, latest first',
    query: z.strictObject(pageQuery),
    responses: { 200: pageOf(leak) },
    handle: async ({ management, who, query }) => ({
      body: viewPage(await listLeaks(management, who, toDomain(query)), toWire),
    }),
  }),
  route({
    method: 'get',
    path: '/leak-reports/{leak_id}',
    operation: readLeak,
    id: 'getLeakReport',
    tag: TAG,
    summary: 'Get the report of a leaked credential',
    params: oneLeak,
    responses: { 200: leak },
    handle: async ({ management, who, params }) => ({
      body: toWire(await readLeak(management, who, toDomain(params))),
    }),
  }),
  route({
    method: 'post',
    path: '/leak-reports/{leak_id}/dismiss',
    operation: dismissLeak,
    id: 'dismissLeakReport',
    tag: TAG,
    summary: 'Dismiss a report, which hides its banner in the console',
    params: oneLeak,
    responses: { 204: null },
    async handle({ management, who, params }) {
      await dismissLeak(management, who, toDomain(params))
      return {}
    },
  }),
]
