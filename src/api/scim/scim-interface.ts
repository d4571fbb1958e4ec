import Router from '@koa/router'
import type { Context, Middleware, Next } from 'koa'
import compose from 'koa-compose'
import type { Database } from '../../database/open-database.ts'
import { checkRequest } from '../../http/request-check.ts'
import type { Management } from '../../management/operation.ts'
import type { ScimCaller } from '../../management/scim-principal.ts'
import { SCIM_ROOT } from '../management-paths.ts'
import { readScimCaller } from '../scim-callers.ts'
import { serviceProviderConfig, userResourceType, userSchema } from './scim-discovery.ts'
import { handleScimErrors, ScimError } from './scim-error.ts'
import { USER_SCHEMA } from './scim-path.ts'
import { sendScim } from './scim-requests.ts'
import {
  createUser,
  deleteUser,
  listResponse,
  listUsers,
  patchUser,
  readUser,
  replaceUser,
  type ScimCall,
} from './scim-users-endpoint.ts'

interface ScimServices {
  readonly database: Database
  readonly management: Management
  issuerUrl(): string
}

type Handle = (call: ScimCall) => Promise<void> | void

const notFound = () => new ScimError(404, 'the requested resource does not exist')

const unsupported: Handle = () => {
  throw new ScimError(501, 'this server does not implement this')
}

const none: Handle = () => {
  throw notFound()
}

/** A list of fixed resources, and each by its ID. */
const fixed = (path: string, id: string, resource: (root: string) => object): [string, string, Handle][] => [
  ['get', path, ({ ctx, root }) => sendScim(ctx, 200, listResponse([resource(root)]))],
  [
    'get',
    `${path}/:id`,
    ({ ctx, root }) => {
      if (String(ctx.params.id).toLowerCase() !== id.toLowerCase()) throw notFound()
      sendScim(ctx, 200, resource(root))
    },
  ],
]

/** Every endpoint. There are no groups, and each answer says so. */
export const SCIM_ROUTES: readonly (readonly [string, string, Handle])[] = [
  ['get', '/ServiceProviderConfig', ({ ctx, root }) => sendScim(ctx, 200, serviceProviderConfig(root))],
  ...fixed('/ResourceTypes', 'User', userResourceType),
  ...fixed('/Schemas', USER_SCHEMA, userSchema),
  ['get', '/Users', listUsers],
  ['post', '/Users', createUser],
  ['get', '/Users/:id', readUser],
  ['put', '/Users/:id', replaceUser],
  ['patch', '/Users/:id', patchUser],
  ['delete', '/Users/:id', deleteUser],
  ['get', '/Groups', ({ ctx }) => sendScim(ctx, 200, listResponse([]))],
  ['get', '/Groups/:id', none],
  ['post', '/Groups', unsupported],
  ['put', '/Groups/:id', unsupported],
  ['patch', '/Groups/:id', unsupported],
  ['delete', '/Groups/:id', unsupported],
  ['post', '/Bulk', unsupported],
  ['get', '/Me', unsupported],
]

type CallerState = { scimCaller: ScimCaller }

/** Authenticates every request first, so that a stranger does not learn what exists. */
const authenticate = ({ database }: ScimServices) =>
  async function authenticateRequest(ctx: Context, next: Next): Promise<void> {
    ctx.set('Cache-Control', 'no-store')
    checkRequest(ctx)
    ;(ctx.state as CallerState).scimCaller = await readScimCaller(ctx, database, { isCounted: true })
    await next()
  }

function routesOf(services: ScimServices): Middleware {
  const router = new Router({ prefix: SCIM_ROOT })
  const root = services.issuerUrl() + SCIM_ROOT
  for (const [method, path, handle] of SCIM_ROUTES) {
    router.register(path, [method], (async (ctx: Context) => {
      const authorize = () => readScimCaller(ctx, services.database, { isCounted: false })
      const caller = (ctx.state as CallerState).scimCaller
      await handle({ ctx, management: services.management, authorize, caller, root })
    }) as never)
  }
  return router.routes() as unknown as Middleware
}

function handleUnmatched(ctx: Context): void {
  if (!(ctx.matched as unknown[] | undefined)?.length) throw notFound()
  throw new ScimError(405, 'the resource does not support this method')
}

/** SCIM 2.0 (RFC 7643, 7644): the users of an account, for its identity provider. Responds to every request below its path. */
export const createScimInterface = (services: ScimServices): Middleware =>
  compose([handleScimErrors, authenticate(services), routesOf(services), handleUnmatched] as Middleware[])
