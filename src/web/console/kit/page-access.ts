import { hasPermission } from '../../../accounts/permissions.ts'
import type { RequiredPermission } from '../../../management/operation.ts'
import type { Principal } from '../../../management/principal.ts'

interface GuardedRoute {
  readonly method: 'get' | 'post'
  readonly path: string
  readonly permission: RequiredPermission
}

/** Which pages of the console a principal may open, by their addresses. An address outside of the console is open to everybody. */
export interface PageAccess {
  mayOpen(who: Principal, href: string): boolean
  /** Whether the principal may send a form to the address. */
  maySend(who: Principal, action: string): boolean
}

const segmentsOf = (path: string): string[] => path.split(/[?#]/)[0]!.split('/')

/** Routes with as many segments and the same first one are compared. */
const groupOf = (method: string, segments: readonly string[]): string => `${method} ${segments.length} ${segments[1]}`

const matches = (pattern: readonly string[], segments: readonly string[]): boolean =>
  pattern.every((part, n) => part.startsWith(':') || part === segments[n])

/** @param routes in the order in which the router tries them */
export function createPageAccess(routes: readonly GuardedRoute[]): PageAccess {
  const patterns = routes.map(({ method, path, permission }) => ({ method, permission, segments: segmentsOf(path) }))
  const groups = Map.groupBy(patterns, ({ method, segments }) => groupOf(method, segments))
  const isOpen = (method: string, who: Principal, address: string): boolean => {
    const segments = segmentsOf(address)
    const route = groups.get(groupOf(method, segments))?.find((one) => matches(one.segments, segments))
    return route === undefined || hasPermission(who, route.permission)
  }
  return {
    mayOpen: (who, href) => isOpen('get', who, href),
    maySend: (who, action) => isOpen('post', who, action),
  }
}
