import type { Fact } from './cells.ts'
import type { ConsolePage, PageLink } from './console-page.ts'
import type { FormView } from './form-view.ts'

export interface ConfirmOptions extends Pick<ConsolePage, 'title' | 'crumbs' | 'status'> {
  /** What it is about, in a sentence. */
  readonly text?: string
  /** What it will stop, one sentence each. */
  readonly stops: readonly string[]
  readonly facts?: readonly Fact[]
  readonly action: string
  /** What the button says: `Archive`, never `OK`. */
  readonly submit: string
  /** Not: it only looks as if it did. */
  readonly harmless?: boolean
  readonly keep: PageLink
  readonly hidden?: Readonly<Record<string, string>>
  /** Where something is to be chosen: the form has the button, `action` and `submit` are its own. */
  readonly form?: FormView
}

/** What destroys says what it will stop, and asks once. */
export function confirmPage({ title, crumbs, status, hidden = {}, ...options }: ConfirmOptions): ConsolePage {
  return {
    view: 'console/confirm',
    title,
    crumbs,
    status,
    data: { confirm: { ...options, hidden: Object.entries(hidden) } },
  }
}

/** Something that is read and copied as it is. */
export interface Copyable {
  readonly label: string
  readonly value: string
}

/** The form of *Try it* (`try-page.ts`), filled in. */
export interface TryNow {
  readonly action: string
  readonly hidden: readonly (readonly [string, string])[]
}

export interface SecretOptions extends Pick<ConsolePage, 'title' | 'crumbs' | 'lead'> {
  /** What is shown this one time, and what goes with it. */
  readonly values: readonly Copyable[]
  /** Commands that use them, each with a heading. */
  readonly commands?: readonly Copyable[]
  /** What it stopped, in a sentence. */
  readonly stopped?: string
  /** One press runs the token request: the secret travels in that form. */
  readonly tryIt?: TryNow
  readonly done: PageLink
}

/** A secret, this once. */
export function secretPage({ title, crumbs, lead, ...secret }: SecretOptions): ConsolePage {
  return { view: 'console/secret', title, crumbs, lead, data: { secret } }
}
