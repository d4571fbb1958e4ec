import { z } from 'zod'
import {
  APPLICATION_DEFAULTS,
  AVAILABILITY_ATTRIBUTES,
  applicationDefaults,
  asInstanceValues,
  GENERAL_ATTRIBUTES,
  instanceNameOf,
} from '../../clients/instance-attributes.ts'
import type { InstanceChanges, InstanceSettings } from '../../clients/instance-settings.ts'
import {
  readInstance,
  readInstanceAvailability,
  setInstanceApi,
  updateInstance,
} from '../../management/instance-operations.ts'
import { readInstanceOverview } from '../../management/overview-operations.ts'
import type { Principal } from '../../management/principal.ts'
import { namesOf } from '../../shared/attributes.ts'
import { invalidFields, KeywrightError } from '../../shared/errors.ts'
import { toWire } from '../../shared/wire-names.ts'
import { attributeSchemas, fromWireValues, imageSummary, toWireValues } from '../attribute-schemas.ts'
import { viewDryRun } from '../dry-run-schemas.ts'
import { bounded, revision, timestamp } from '../fields.ts'
import type { Call } from '../route.ts'
import { type ApiRoute, route } from '../route.ts'

const TAG = 'Instance'

const general = attributeSchemas(GENERAL_ATTRIBUTES)
const defaults = attributeSchemas(APPLICATION_DEFAULTS)

const settings = z
  .object({
    ...general,
    ...attributeSchemas(AVAILABILITY_ATTRIBUTES),
    logo: imageSummary.nullable().meta({ description: GENERAL_ATTRIBUTES.logo.description }),
    defaults: z.object(defaults).meta({ description: 'The default settings of new applications' }),
    revision,
  })
  .meta({ id: 'Instance' })

const change = z
  .strictObject({ ...general, defaults: z.strictObject(defaults).partial() })
  .partial()
  .meta({ id: 'InstanceChange', examples: [{ name: 'Example keys', defaults: { access_token_ttl: 3600 } }] })

type Change = z.output<typeof change>

const toReply = (instance: InstanceSettings, who: Principal) => ({
  body: {
    ...toWireValues(GENERAL_ATTRIBUTES, instance, who),
    ...toWireValues(AVAILABILITY_ATTRIBUTES, instance, who),
    defaults: toWireValues(APPLICATION_DEFAULTS, applicationDefaults(instance), who),
    revision: instance.revision,
  },
  revision: instance.revision,
})

const toChanges = ({ defaults: given = {}, ...body }: Change): InstanceChanges => ({
  ...fromWireValues(GENERAL_ATTRIBUTES, body),
  ...asInstanceValues(fromWireValues(APPLICATION_DEFAULTS, given)),
})

/** The member of the body that an error concerns. */
function memberOf(field: string): string {
  const name = namesOf(APPLICATION_DEFAULTS).find((one) => one === field || instanceNameOf(one) === field)
  return name === undefined ? field : `defaults.${name}`
}

/** @throws KeywrightError with its errors at the members of the body */
async function update({ management, who, body, ifMatch }: Call<unknown, unknown, Change>): Promise<InstanceSettings> {
  try {
    return await updateInstance(management, who, { changes: toChanges(body), revision: ifMatch })
  } catch (error) {
    if (!(error instanceof KeywrightError) || error.fieldErrors.length === 0) throw error
    throw invalidFields(error.fieldErrors.map(({ field, message }) => ({ field: memberOf(field), message })))
  }
}

const availability = z
  .object({ api_enabled: z.boolean(), applications: bounded, key_pairs: bounded, active_tokens: bounded })
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
  toReply(await setInstanceApi(call.management, call.who, { enabled }), call.who)

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
    handle: async ({ management, who }) => toReply(await readInstance(management, who, {}), who),
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
    handle: async (call) => toReply(await update(call), call.who),
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
    dryRun: async ({ management, who }) => viewDryRun(await setInstanceApi.dryRun(management, who, {})),
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
