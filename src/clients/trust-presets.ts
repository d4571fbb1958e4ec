import { invalidInput } from '../shared/errors.ts'
import { conditionsIn } from './trust-conditions.ts'
import type { TrustInput } from './workload-trusts.ts'

/** A platform whose workloads have tokens. */
interface TrustPreset {
  readonly value: string
  readonly label: string
  /** How a workload is named. */
  readonly workload: string
  /** The form of that name. */
  readonly form: RegExp
  /** Undefined: each cluster or account has an issuer of its own, which must be given. */
  issuerOf?(workload: string): string
  /** The conditions that name the workload, as `claim=value`. */
  conditionsOf(workload: string): string[]
  /** Whether the audience must be given, because a workload cannot choose it. */
  readonly requiresAudience?: boolean
}

/** The form of paths of one organization or group, without wildcards. */
const PATH = /^[\w.-]+(?:\/[\w.-]+)+$/

export const TRUST_PRESETS = [
  {
    value: 'github',
    label: 'GitHub Actions',
    workload: 'ORGANIZATION/REPOSITORY',
    form: /^[\w.-]+\/[\w.-]+$/,
    issuerOf: () => 'https://token.actions.githubusercontent.com',
    conditionsOf: (workload) => [`repository=${workload}`],
  },
  {
    value: 'gitlab',
    label: 'GitLab',
    workload: 'GROUP/PROJECT',
    form: PATH,
    issuerOf: () => 'https://gitlab.com',
    conditionsOf: (workload) => [`project_path=${workload}`],
  },
  {
    value: 'kubernetes',
    label: 'Kubernetes',
    workload: 'NAMESPACE/SERVICE_ACCOUNT',
    form: /^[a-z0-9-]+\/[a-z0-9.-]+$/,
    conditionsOf: (workload) => [`sub=system:serviceaccount:${workload.replace('/', ':')}`],
  },
  {
    value: 'aws',
    label: 'AWS',
    workload: 'ROLE_ARN',
    form: /^arn:[\w-]+:iam::\d{12}:role\/[\w+=,.@/-]+$/,
    conditionsOf: (workload) => [`sub=${workload}`],
  },
  {
    value: 'azure',
    label: 'Azure',
    workload: 'TENANT_ID/OBJECT_ID',
    form: /^[\da-f-]{36}\/[\da-f-]{36}$/,
    issuerOf: (workload) => `https://login.microsoftonline.com/${workload.split('/')[0]}/v2.0`,
    conditionsOf: (workload) => [`oid=${workload.split('/')[1]}`],
    requiresAudience: true,
  },
  {
    value: 'google',
    label: 'Google Cloud',
    workload: 'SERVICE_ACCOUNT_EMAIL',
    form: /^[\w.-]+@[\w.-]+\.gserviceaccount\.com$/,
    issuerOf: () => 'https://accounts.google.com',
    conditionsOf: (workload) => [`email=${workload}`, 'email_verified=true'],
  },
] as const satisfies readonly TrustPreset[]

export type TrustPresetName = (typeof TRUST_PRESETS)[number]['value']

const PRESETS: readonly TrustPreset[] = TRUST_PRESETS

/** A trust as a form or a command line gives it. */
export interface TrustFields {
  readonly preset?: string | undefined
  readonly workload?: string | undefined
  readonly issuer?: string | undefined
  readonly audience?: string | undefined
  /** `claim=pattern`. */
  readonly claims?: readonly string[] | undefined
  readonly singleUse?: boolean | undefined
  readonly jwks?: string | undefined
}

/** @throws KeywrightError `invalid_input` */
function ofPreset({ preset, workload = '', issuer, audience }: TrustFields): { issuer?: string; claims: string[] } {
  if (!preset) {
    if (workload) throw invalidInput('select the platform of the workload', 'trustPreset')
    return { claims: [] }
  }
  const found = PRESETS.find(({ value }) => value === preset)
  if (!found) throw invalidInput(`unknown platform; use ${PRESETS.map(({ value }) => value).join(', ')}`, 'trustPreset')
  if (!found.form.test(workload))
    throw invalidInput(`a workload of ${found.label} is named ${found.workload}`, 'trustWorkload')
  if (!issuer && !found.issuerOf) throw invalidInput(`enter the issuer: ${found.label} has many`, 'trustIssuer')
  if (found.requiresAudience && !audience)
    throw invalidInput(`enter the audience, which is an application ID of ${found.label}`, 'trustAudience')
  return { issuer: issuer || found.issuerOf?.(workload) || '', claims: found.conditionsOf(workload) }
}

/** The trust that the fields describe, with what a preset adds; undefined: all are empty. @throws KeywrightError `invalid_input` */
export function trustIn(fields: TrustFields): TrustInput | undefined {
  const { preset, workload, issuer, audience, claims = [], singleUse, jwks } = fields
  const isEmpty = [preset, workload, issuer, audience, jwks, ...claims].every((one) => !one) && !singleUse
  if (isEmpty) return undefined
  const given = ofPreset(fields)
  return {
    issuer: given.issuer ?? issuer ?? '',
    audience,
    conditions: conditionsIn([...given.claims, ...claims]),
    singleUse,
    jwks: jwks || undefined,
  }
}
