import type { KeyObject } from 'node:crypto'
import type { Context, Middleware } from 'koa'
import { readBody } from '../http/request-body.ts'
import { type GithubKeys, isSignedBy } from '../leaks/github-keys.ts'
import { reportLeaks } from '../management/leak-operations.ts'
import type { Management } from '../management/operation.ts'
import type { Principal } from '../management/principal.ts'
import { findingsUpTo, toFeedback } from './leak-findings.ts'
import { API_ROOT } from './management-paths.ts'
import { ProblemError } from './problems.ts'
import { parseJsonBody } from './requests.ts'

const PATH = `${API_ROOT}/leak-reports`
const KEY_IDENTIFIER = 'github-public-key-identifier'
const SIGNATURE = 'github-public-key-signature'

/** GitHub sends many findings at once, and does not repeat those that were refused. */
const MAX_FINDINGS = 1000

/** In bytes. */
const BODY_LIMIT = 1024 * 1024

const findings = findingsUpTo(MAX_FINDINGS)

/** GitHub reports for every account. */
const githubPrincipal = (ctx: Context): Principal => ({
  role: 'operator',
  accountId: null,
  userId: null,
  scopes: new Set(['leaks:report']),
  signedInAt: null,
  actor: { type: 'system', id: 'github', ip: ctx.ip, requestId: ctx.state.requestId },
})

const notSigned = () => new ProblemError('forbidden', 'GitHub has not signed this request')

/** @throws ProblemError `forbidden`, KeywrightError `unavailable` */
async function keyOf(ctx: Context, keys: GithubKeys): Promise<KeyObject> {
  const key = await keys.find(ctx.get(KEY_IDENTIFIER))
  if (!key) throw notSigned()
  return key
}

/** The whole body, which GitHub signed as it stands. @throws ProblemError `forbidden`, BodyTooLargeError */
async function signedBody(ctx: Context, keys: GithubKeys): Promise<Buffer> {
  const key = await keyOf(ctx, keys)
  const body = await readBody(ctx.req, BODY_LIMIT)
  if (!isSignedBy(key, body, ctx.get(SIGNATURE))) throw notSigned()
  return body
}

/**
 * Takes the reports of GitHub's secret scanning, which carry a signature instead of an access token. The signature holds no
 * time: a replayed report gets the same answer and changes nothing. Without keys, such a request needs an access
 * token as any other.
 */
export function githubLeakReports(management: Management, keys: GithubKeys | undefined): Middleware {
  return async (ctx, next) => {
    const isReport = ctx.method === 'POST' && ctx.path === PATH && ctx.get(KEY_IDENTIFIER) !== ''
    if (!keys || !isReport) return await next()
    const sent = parseJsonBody(ctx, findings, await signedBody(ctx, keys))
    const reported = await reportLeaks(management, githubPrincipal(ctx), { findings: sent, reporter: 'github' })
    ctx.body = sent.map((one, n) => toFeedback(one, reported[n]!))
  }
}
