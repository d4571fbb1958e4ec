import type { Fact } from './cells.ts'
import type { ConsolePage, PageLink } from './console-page.ts'
import type { FormView } from './form-view.ts'

export interface ConfirmOptions extends Pick<ConsolePage, 'title' | 'breadcrumbs' | 'status'> {
  /** Description in one sentence. */
  readonly text?: string
  /** Effects, one item each. */
  readonly stops: readonly string[]
  readonly facts?: readonly Fact[]
  readonly action: string
  /** Label of the button: `Archive`, not `OK`. */
  readonly submit: string
  /** Whether the action is not destructive. */
  readonly harmless?: boolean
  readonly keep: PageLink
  readonly hidden?: Readonly<Record<string, string>>
  /** A form with choices, which has its own button, `action` and `submit`. */
  readonly form?: FormView
}

/** A confirmation that lists the effects of a destructive action. */
export function confirmPage({ title, breadcrumbs, status, hidden = {}, ...options }: ConfirmOptions): ConsolePage {
  return {
    view: 'console/confirm',
    title,
    breadcrumbs,
    status,
    data: { confirm: { ...options, hidden: Object.entries(hidden) } },
  }
}

/** A value with a copy button. */
export interface Copyable {
  readonly label: string
  readonly value: string
}

/** The form of *Try it* (`try-page.ts`), filled in. */
export interface TryNow {
  readonly action: string
  readonly hidden: readonly (readonly [string, string])[]
}

export interface SecretOptions extends Pick<ConsolePage, 'title' | 'breadcrumbs' | 'lead'> {
  /** Values that are shown once. */
  readonly values: readonly Copyable[]
  /** Commands that use them, each with a heading. */
  readonly commands?: readonly Copyable[]
  /** What was revoked, in one sentence. */
  readonly stopped?: string
  /** A form that sends the token request with the secret. */
  readonly tryIt?: TryNow
  readonly done: PageLink
}

/** A page that shows a secret once. */
export function secretPage({ title, breadcrumbs, lead, ...secret }: SecretOptions): ConsolePage {
  return { view: 'console/secret', title, breadcrumbs, lead, data: { secret } }
}
