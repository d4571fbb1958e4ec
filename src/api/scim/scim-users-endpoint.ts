import type { Context } from 'koa'
import type { Management } from '../../management/operation.ts'
import type { ScimCaller } from '../../management/scim-principal.ts'
import {
  addDirectoryUser,
  changeDirectoryUser,
  deleteDirectoryUser,
  listDirectory,
  readDirectoryUser,
} from '../../management/scim-user-operations.ts'
import type { ScimUser } from '../../management/scim-users.ts'
import { MAX_RESULTS } from './scim-discovery.ts'
import { readDocument, type ScimDocument } from './scim-document.ts'
import { applyPatch, readOperations } from './scim-patch.ts'
import { pageIn, projectionIn, readScimBody, revisionIn, sendScim } from './scim-requests.ts'
import { documentOf, resourceOf, userFilterOf, userValuesOf, versionOf } from './scim-resources.ts'

/** One request of an identity provider. */
export interface ScimCall {
  readonly ctx: Context
  readonly management: Management
  /** Authenticates the request again, after its body has arrived. */
  readonly authorize: () => Promise<ScimCaller>
  readonly caller: ScimCaller
  /** The URL of the SCIM interface. */
  readonly root: string
}

export const listResponse = (resources: readonly object[], total = resources.length, startIndex = 1) => ({
  schemas: ['urn:ietf:params:scim:api:messages:2.0:ListResponse'],
  totalResults: total,
  startIndex,
  itemsPerPage: resources.length,
  Resources: resources,
})

function sendUser({ ctx, root }: ScimCall, user: ScimUser, status = 200): void {
  const resource = resourceOf(user, root)
  ctx.set('ETag', versionOf(user))
  ctx.set(status === 201 ? 'Location' : 'Content-Location', resource.meta.location)
  sendScim(ctx, status, projectionIn(ctx)(resource))
}

export async function listUsers({ ctx, management, caller, root }: ScimCall): Promise<void> {
  const { filter, startIndex, count } = pageIn(ctx, MAX_RESULTS)
  const { total, users } = await listDirectory(management, caller.who, {
    filter: filter === undefined ? {} : userFilterOf(filter),
    offset: startIndex - 1,
    limit: count,
  })
  const project = projectionIn(ctx)
  const resources = users.map((user) => project(resourceOf(user, root)))
  sendScim(ctx, 200, listResponse(resources, total, startIndex))
}

export async function createUser(call: ScimCall): Promise<void> {
  const body = await readScimBody(call.ctx)
  const { who, token } = await call.authorize()
  const values = userValuesOf(readDocument(body), token.role)
  sendUser(call, await addDirectoryUser(call.management, who, values), 201)
}

const idIn = ({ ctx }: ScimCall): string => String(ctx.params.id)

export async function readUser(call: ScimCall): Promise<void> {
  sendUser(call, await readDirectoryUser(call.management, call.caller.who, { id: idIn(call) }))
}

/** @param changed the document of the user afterwards, from the present one */
async function changeUser(call: ScimCall, changed: (present: ScimDocument) => ScimDocument): Promise<void> {
  const { who, token } = await call.authorize()
  const change = (before: ScimUser) => {
    const document = changed(documentOf(before))
    return userValuesOf(document, document.roles?.length === 0 ? token.role : before.role, before)
  }
  const revision = revisionIn(call.ctx)
  sendUser(call, await changeDirectoryUser(call.management, who, { id: idIn(call), revision, change }))
}

/** What the body leaves out stays: a PUT request that does not say `active` must not enable a user. */
export async function replaceUser(call: ScimCall): Promise<void> {
  const document = readDocument(await readScimBody(call.ctx))
  await changeUser(call, (present) => ({ ...present, ...document, name: { ...present.name, ...document.name } }))
}

export async function patchUser(call: ScimCall): Promise<void> {
  const operations = readOperations(await readScimBody(call.ctx))
  await changeUser(call, (present) => applyPatch(present, operations))
}

export async function deleteUser(call: ScimCall): Promise<void> {
  const { management, caller, ctx } = call
  await deleteDirectoryUser(management, caller.who, { id: idIn(call), revision: revisionIn(ctx) })
  ctx.status = 204
}
