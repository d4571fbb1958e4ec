import type { Role } from '../../../accounts/users.ts'
import { portrait } from '../../portrait.ts'
import type { Person } from '../../sign-in-directory.ts'

interface Place {
  readonly href: string
  readonly label: string
  /** The name of its file below views/console/icons. */
  readonly icon: string
}

interface PlaceGroup {
  readonly heading: string
  readonly places: readonly Place[]
}

const APPLICATIONS: Place = { href: '/applications', label: 'Applications', icon: 'applications' }
const PEOPLE: Place = { href: '/people', label: 'People', icon: 'people' }
const ACTIVITY: Place = { href: '/activity', label: 'Activity', icon: 'activity' }

const OF_ADMINS: readonly Place[] = [
  { href: '/', label: 'Overview', icon: 'overview' },
  { href: '/settings/api', label: 'API keys', icon: 'keys' },
  APPLICATIONS,
  PEOPLE,
  ACTIVITY,
]

const OF_OPERATORS: readonly Place[] = [
  { href: '/', label: 'Dashboard', icon: 'overview' },
  { href: '/accounts', label: 'Accounts', icon: 'accounts' },
  APPLICATIONS,
  PEOPLE,
  { href: '/apis', label: 'APIs', icon: 'apis' },
  { href: '/signing-keys', label: 'Signing keys', icon: 'keys' },
  { href: '/settings/instance', label: 'Settings', icon: 'settings' },
  ACTIVITY,
]

const OWN: readonly Place[] = [
  { href: '/account/applications', label: 'Connected applications', icon: 'connected' },
  { href: '/account/password', label: 'Password', icon: 'password' },
]

const START: Place = { href: '/', label: 'Your account', icon: 'overview' }
const API_DOCS: Place = { href: '/api/v1/docs', label: 'API documentation', icon: 'docs' }

function groupsOf(role: Role): readonly PlaceGroup[] {
  if (role === 'member') return [{ heading: 'Your account', places: [START, ...OWN] }]
  const managed =
    role === 'operator'
      ? { heading: 'This instance', places: OF_OPERATORS }
      : { heading: 'Your enterprise', places: OF_ADMINS }
  return [managed, { heading: 'Your account', places: OWN }, { heading: 'For programs', places: [API_DOCS] }]
}

const isAt = (path: string, { href }: Place): boolean => path === href || (href !== '/' && path.startsWith(`${href}/`))

const ROLES = { operator: 'Operator', admin: 'Admin', member: 'Member' } as const

/** What surrounds every page of somebody who is signed in. @param path where they are */
export function shellOf(person: Person, path: string) {
  const groups = groupsOf(person.role).map(({ heading, places }) => ({
    heading,
    places: places.map((place) => ({ ...place, current: isAt(path, place) })),
  }))
  return { groups, person: portrait(person), role: ROLES[person.role] }
}
