import { type AttributeChoice, attribute, choice } from '../shared/attributes.ts'

/** For whom an account requires a second factor. */
export type RequiredInAccount = 'nobody' | 'admins' | 'everyone'

/** For whom the instance requires a second factor. */
export type RequiredInInstance = RequiredInAccount | 'operators'

/** As in `user-attributes.ts`, which imports this file. */
type RoleOfUser = 'operator' | 'admin' | 'developer' | 'viewer' | 'member'

const ROLES: Readonly<Record<RequiredInInstance, readonly RoleOfUser[]>> = {
  nobody: [],
  operators: ['operator'],
  admins: ['operator', 'admin'],
  everyone: ['operator', 'admin', 'developer', 'viewer', 'member'],
}

/** Whether a user with this role must have a second factor. An account can only require more than the instance. */
export const requiresSecondFactor = (
  role: RoleOfUser,
  instance: RequiredInInstance,
  account: RequiredInAccount | null,
): boolean => ROLES[instance].includes(role) || ROLES[account ?? 'nobody'].includes(role)

const NOBODY = { value: 'nobody', label: 'Nobody', hint: 'Each user decides.' } as const
const EVERYONE = { value: 'everyone', label: 'Everyone' } as const

const IN_ACCOUNT: readonly AttributeChoice<RequiredInAccount>[] = [
  NOBODY,
  { value: 'admins', label: 'Admins' },
  EVERYONE,
]

const IN_INSTANCE: readonly AttributeChoice<RequiredInInstance>[] = [
  NOBODY,
  { value: 'operators', label: 'Operators' },
  { value: 'admins', label: 'Operators and admins' },
  EVERYONE,
]

const LABEL = 'Two-factor authentication required for'
const NEXT = 'A user without a second factor sets one up at the next sign-in.'

export const SECOND_FACTOR_IN_ACCOUNT = attribute({
  type: choice(IN_ACCOUNT),
  initial: 'nobody',
  section: 'account',
  label: LABEL,
  hint: `${NEXT} The instance may require it of more users.`,
  description: `Which users of the account must sign in with a second factor, in addition to those of whom the instance requires it. ${NEXT}`,
  option: { help: 'Users who must have a second factor: nobody (default), admins or everyone' },
})

export const SECOND_FACTOR_IN_INSTANCE = attribute({
  type: choice(IN_INSTANCE),
  initial: 'nobody',
  section: 'signIn',
  label: LABEL,
  hint: `${NEXT} An account can require it of more users.`,
  description: `Which users must sign in with a second factor. ${NEXT}`,
  option: {
    help: 'Users who must have a second factor: nobody (initially), operators, admins (and operators) or everyone',
  },
})
