import type { Fact } from './cells.ts'
import type { ConsolePage, PageLink } from './console-page.ts'
import type { FormView } from './form-view.ts'
import type { ListView } from './list-page.ts'

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
  /** The callers that the action affects, below the panel. */
  readonly affected?: { readonly heading: string; readonly lead?: string; readonly list: ListView }
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

/** A program in a language, drawn by views/console/parts/snippets.eta. */
export interface Snippet {
  readonly language: string
  readonly file: string
  /** The command that runs the file. */
  readonly run: string
  readonly code: string
}

/** The same program in several languages. */
export interface SnippetGroup {
  readonly name: string
  readonly label: string
  readonly snippets: readonly Snippet[]
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
  /** What the commands need to work, one sentence each; absent: they work as shown. */
  readonly needs?: readonly string[]
  /** Programs that use them. */
  readonly snippets?: readonly SnippetGroup[]
  /** What was revoked, in one sentence. */
  readonly stopped?: string
  /** Shows the effect of the revocation in a new tab. */
  readonly effect?: PageLink
  /** A form that sends the token request with the secret. */
  readonly tryIt?: TryNow
  readonly done: PageLink
}

/** A page that shows a secret once. */
export function secretPage({ title, breadcrumbs, lead, ...secret }: SecretOptions): ConsolePage {
  return { view: 'console/secret', title, breadcrumbs, lead, data: { secret } }
}
