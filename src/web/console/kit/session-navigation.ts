import type { ConsoleSessionPage } from '../../../clients/console-session-tickets.ts'
import type { ConsoleText } from '../../../languages/console/console-text.ts'
import type { ConsoleTranslate } from '../../../languages/console/console-translator.ts'
import { portrait } from '../../portrait.ts'
import type { SignedInUser } from '../../sign-in-directory.ts'

/** The first page of each area that a console session may have. */
const AREAS = {
  keys: { href: '/settings/api', label: 'API keys' },
  applications: { href: '/applications', label: 'Applications' },
  usage: { href: '/usage', label: 'Usage' },
  activity: { href: '/activity', label: 'Activity' },
  webhooks: { href: '/webhooks', label: 'Webhooks' },
  inspect: { href: '/inspect', label: 'Inspect' },
} as const satisfies Readonly<Record<ConsoleSessionPage, { href: string; label: ConsoleText }>>

/** The page that a session begins with. @param pages at least one */
export const startPathOf = (pages: readonly ConsoleSessionPage[]): string => AREAS[pages[0]!].href

const isAt = (path: string, href: string): boolean => path === href || path.startsWith(`${href}/`)

/** What surrounds the pages of a console session; undefined: the user signed in. @param path the current path */
export function sessionShellOf(t: ConsoleTranslate, user: SignedInUser | undefined, path: string) {
  if (!user?.consoleSession) return undefined
  const { pages, returnUrl } = user.consoleSession
  const links = pages.map((page) => {
    const { href, label } = AREAS[page]
    return { href, label: t(label), current: isAt(path, href) }
  })
  return { returnUrl, start: links[0], links: links.length > 1 ? links : [], user: portrait(user) }
}
