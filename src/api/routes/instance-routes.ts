import { z } from 'zod'
import type { InstanceSettings } from '../../accounts/instance-settings.ts'
import {
  readInstance,
  readInstanceAvailability,
  setInstanceApi,
  updateInstance,
} from '../../management/instance-operations.ts'
import { readInstanceOverview } from '../../management/overview-operations.ts'
import { formatRateLimit, parseRateLimit } from '../../shared/rate-limit-format.ts'
import { bounded, revision, seconds, timestamp } from '../fields.ts'
import type { Call } from '../route.ts'
import { type ApiRoute, route } from '../route.ts'
import { toDomain, toWire } from '../wire-names.ts'

const TAG = 'Instance'

const rateLimit = z
  .string()
  .max(40)
  .nullable()
  .meta({ description: 'N/s, N/min or N/h; null: no limit', examples: ['10/s'] })

const defaults = {
  access_token_ttl: seconds.nullable().meta({ description: 'In seconds; null: the lifetime of the API' }),
  refresh_token_ttl: seconds.nullable().meta({ description: 'In seconds; null: 30 days' }),
  consent: z.enum(['show', 'skip_own_account']),
  rate_limit: rateLimit,
}

const schemes = z
  .array(z.string().max(200))
  .max(200)
  .meta({ description: 'URI schemes without a dot that redirect URIs may have', examples: [['cursor', 'vscode']] })

const settings = z
  .object({
    name: z.string(),
    accent: z.string().meta({ examples: ['#1f5fbf'] }),
    logo: z.object({ type: z.string(), size: z.number().int().meta({ description: 'In bytes' }) }).nullable(),
    api_enabled: z.boolean(),
    redirect_schemes: schemes,
    defaults: z.object(defaults).meta({ description: 'The default settings of new applications' }),
    revision,
  })
  .meta({ id: 'Instance' })

const change = z
  .strictObject({
    name: z.string().max(1000).optional(),
    accent: z.string().max(100).optional(),
    logo: z
      .strictObject({
        base64: z.base64().max(360_000).meta({ description: 'PNG, JPEG, WebP or SVG, at most 256 KiB' }),
      })
      .nullable()
      .optional()
      .meta({ description: 'Null removes the logo' }),
    redirect_schemes: schemes.optional(),
    defaults: z.strictObject(defaults).partial().optional(),
  })
  .meta({ id: 'InstanceChange', examples: [{ name: 'Example keys', defaults: { access_token_ttl: 3600 } }] })

type Change = z.output<typeof change>

function toReply({ logo, defaults, ...rest }: InstanceSettings) {
  const logoView = logo && { type: logo.type, size: logo.bytes.length }
  const rate_limit = defaults.rateLimit && formatRateLimit(defaults.rateLimit)
  const body = { ...toWire(rest), logo: logoView, defaults: { ...toWire(defaults), rate_limit } }
  return { body, revision: rest.revision }
}

function toChanges({ logo, defaults, ...rest }: Change) {
  const { rate_limit, ...others } = defaults ?? {}
  return {
    ...rest,
    ...(logo !== undefined && { logo: logo && { bytes: Buffer.from(logo.base64, 'base64') } }),
    ...(defaults && {
      defaults: {
        ...toDomain(others),
        ...(rate_limit !== undefined && { rateLimit: rate_limit === null ? null : parseRateLimit(rate_limit) }),
      },
    }),
  }
}

const availability = z
  .object({ api_enabled: z.boolean(), applications: bounded, key_pairs: bounded, live_tokens: bounded })
  .meta({ id: 'InstanceAvailability' })

const usage = z
  .object({
    from: timestamp,
    to: timestamp,
    step: z.enum(['hour', 'day']),
    usage: z.array(
      z.object({
        at: timestamp.meta({ description: 'The start of the hour or day' }),
        kind: z.enum(['issued', 'refused']),
        label: z.string().meta({ description: 'The grant type, or the OAuth error code' }),
        count: z.number().int(),
      }),
    ),
  })
  .meta({ id: 'Usage' })

const switchApi = (enabled: boolean) => async (call: Call) =>
  toReply(await setInstanceApi(call.management, call.who, { enabled }))

export const INSTANCE_ROUTES: readonly ApiRoute[] = [
  route({
    method: 'get',
    path: '/instance',
    operation: readInstance,
    id: 'readInstance',
    tag: TAG,
    summary: 'Retrieve the settings of the instance',
    responses: { 200: settings },
    etag: true,
    handle: async ({ management, who }) => toReply(await readInstance(management, who, {})),
  }),
  route({
    method: 'patch',
    path: '/instance',
    operation: updateInstance,
    id: 'updateInstance',
    tag: TAG,
    summary: 'Update the settings of the instance',
    body: change,
    responses: { 200: settings },
    etag: true,
    handle: async ({ management, who, body, ifMatch }) =>
      toReply(await updateInstance(management, who, { changes: toChanges(body), revision: ifMatch })),
  }),
  route({
    method: 'post',
    path: '/instance/api/disable',
    operation: setInstanceApi,
    id: 'disableInstanceApi',
    tag: TAG,
    summary: 'Disable the API for the whole instance',
    description: 'Revokes every access token at once, including the token of this request, and stops issuing tokens.',
    responses: { 200: settings },
    handle: switchApi(false),
  }),
  route({
    method: 'post',
    path: '/instance/api/enable',
    operation: setInstanceApi,
    id: 'enableInstanceApi',
    tag: TAG,
    summary: 'Enable the API for the whole instance',
    responses: { 200: settings },
    handle: switchApi(true),
  }),
  route({
    method: 'get',
    path: '/instance/availability',
    operation: readInstanceAvailability,
    id: 'readInstanceAvailability',
    tag: TAG,
    summary: 'Count what disabling the API would stop',
    responses: { 200: availability },
    handle: async ({ management, who }) => ({ body: toWire(await readInstanceAvailability(management, who, {})) }),
  }),
  route({
    method: 'get',
    path: '/usage',
    operation: readInstanceOverview,
    id: 'readUsage',
    tag: TAG,
    summary: 'Retrieve the number of issued tokens and rejected requests over time',
    query: z.strictObject({ span: z.enum(['day', 'month']).default('day') }),
    responses: { 200: usage },
    handle: async ({ management, who, query }) => ({
      body: toWire(await readInstanceOverview(management, who, query)),
    }),
  }),
]
