import { hasPermission } from '../../../accounts/permissions.ts'
import type { ConsoleSessionPage } from '../../../clients/console-session-tickets.ts'
import type { RequiredPermission } from '../../../management/operation.ts'
import type { Principal } from '../../../management/principal.ts'

interface GuardedRoute {
  readonly sessionPages?: readonly ConsoleSessionPage[]
  readonly method: 'get' | 'post'
  readonly path: string
  readonly permission: RequiredPermission
}

/** Which pages of the console a principal may open, by their addresses. An address outside of the console is open to everybody. */
export interface PageAccess {
  mayOpen(who: Principal, href: string): boolean
  /** Whether the principal may send a form to the address. */
  maySend(who: Principal, action: string): boolean
  /** The same in a console session with these areas. */
  within(pages: readonly ConsoleSessionPage[]): PageAccess
}

const segmentsOf = (path: string): string[] => path.split(/[?#]/)[0]!.split('/')

/** Routes with as many segments and the same first one are compared. */
const groupOf = (method: string, segments: readonly string[]): string => `${method} ${segments.length} ${segments[1]}`

const matches = (pattern: readonly string[], segments: readonly string[]): boolean =>
  pattern.every((part, n) => part.startsWith(':') || part === segments[n])

/** @param isElsewhereOpen whether addresses of this site that are no page of the routes are open */
function accessTo(routes: readonly GuardedRoute[], isElsewhereOpen: boolean): Omit<PageAccess, 'within'> {
  const patterns = routes.map(({ method, path, permission }) => ({ method, permission, segments: segmentsOf(path) }))
  const groups = Map.groupBy(patterns, ({ method, segments }) => groupOf(method, segments))
  const isOpen = (method: string, who: Principal, address: string): boolean => {
    const segments = segmentsOf(address)
    const route = groups.get(groupOf(method, segments))?.find((one) => matches(one.segments, segments))
    return route ? hasPermission(who, route.permission) : isElsewhereOpen || !address.startsWith('/')
  }
  return {
    mayOpen: (who, href) => isOpen('get', who, href),
    maySend: (who, action) => isOpen('post', who, action),
  }
}

/** @param routes in the order in which the router tries them */
export function createPageAccess(routes: readonly GuardedRoute[]): PageAccess {
  const limited = new Map<string, PageAccess>()
  const whole: PageAccess = {
    ...accessTo(routes, true),
    within(pages) {
      const known = limited.get(pages.join())
      if (known) return known
      const included = routes.filter(({ sessionPages = [] }) => sessionPages.some((page) => pages.includes(page)))
      const access = { ...accessTo(included, false), within: whole.within }
      limited.set(pages.join(), access)
      return access
    },
  }
  return whole
}
