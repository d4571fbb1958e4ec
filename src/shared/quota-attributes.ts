import { attribute, choice, count, nullable } from './attributes.ts'

/** `observe`: tokens beyond the quota are issued and counted. */
export type QuotaMode = 'enforce' | 'observe'

const LARGEST = 999_999_999

const quotaError = (value: number): string | undefined =>
  Number.isInteger(value) && value >= 1 && value <= LARGEST ? undefined : `a quota is 1 to ${LARGEST} tokens`

interface QuotaOwner {
  readonly section: string
  /** Whose tokens count together, with the verb: `the application gets`. */
  readonly getter: string
  readonly operatorOnly?: boolean
}

const perWindow = (window: 'hour' | 'day', { section, getter, operatorOnly = false }: QuotaOwner) =>
  attribute({
    type: nullable(count, 'no quota'),
    initial: null,
    operatorOnly,
    section,
    label: `Tokens per ${window}`,
    hint: `The most access tokens that ${getter} in one ${window} (UTC). Leave empty for no quota.`,
    description: `The most access tokens that ${getter} in one ${window} (UTC); null: no quota`,
    example: window === 'hour' ? 1000 : 10_000,
    option: { help: `Most access tokens that ${getter} in one ${window} (UTC); default: off`, nullWord: 'off' },
    validate: quotaError,
  })

/** The most tokens that a client, or all clients of an account together, get in an hour and in a day. */
export const quotaAttributes = (owner: QuotaOwner) => ({
  quotaPerHour: perWindow('hour', owner),
  quotaPerDay: perWindow('day', owner),
  quotaMode: attribute({
    type: choice<QuotaMode>([
      { value: 'enforce', label: 'Enforce', hint: 'Refuses token requests beyond the quota with status 429.' },
      { value: 'observe', label: 'Observe', hint: 'Issues tokens beyond the quota, and shows how many.' },
    ]),
    initial: 'enforce',
    operatorOnly: owner.operatorOnly ?? false,
    section: owner.section,
    label: 'Quota mode',
    description: 'enforce: token requests beyond the quota get status 429; observe: they are issued and counted',
    option: { help: 'observe: tokens beyond the quota are issued and counted; default: enforce' },
  }),
})
