import type { ConsoleTranslate } from '../../../languages/console/console-translator.ts'
import type { Bounded } from '../../../management/bounded-counts.ts'
import type { Badge } from './console-page.ts'

/** A value in a table or fact list. Each kind has a template in views/console/cells. */
export type Cell =
  | { readonly kind: 'text'; readonly text: string; readonly detail?: string; readonly quiet?: boolean }
  | { readonly kind: 'link'; readonly text: string; readonly href: string; readonly detail?: string }
  | { readonly kind: 'number'; readonly count: number; readonly isMore?: boolean }
  | { readonly kind: 'time'; readonly at: Date; readonly detail?: string }
  | { readonly kind: 'absent'; readonly text: 'never' | 'none' }
  | { readonly kind: 'badge'; readonly badge: Badge }
  | { readonly kind: 'id'; readonly value: string; readonly label: string }
  | { readonly kind: 'lines'; readonly lines: readonly string[] }
  | { readonly kind: 'select'; readonly name: string; readonly of: string }
  | { readonly kind: 'actions'; readonly actions: readonly RowAction[] }
  | { readonly kind: 'activity'; readonly phrases: readonly Phrase[]; readonly details: readonly Fact[] }

/** Part of a sentence. Names are highlighted and link to their page if there is one. */
export interface Phrase {
  readonly text: string
  readonly isName?: boolean
  readonly href?: string
}

/** An action on one row. `of` names the row for screen readers. */
export interface RowAction {
  readonly label: string
  readonly href: string
  readonly of: string
}

/** @param detail smaller, below */
export const textCell = (text: string, detail?: string): Cell => ({ kind: 'text', text, detail })

/** Muted text for a missing value: `never`, `the default`. */
export const quietCell = (text: string): Cell => ({ kind: 'text', text, quiet: true })

export const linkCell = (text: string, href: string, detail?: string): Cell => ({ kind: 'link', text, href, detail })

export const numberCell = (count: number): Cell => ({ kind: 'number', count })

/** `1,000+` above the counting limit. */
export const boundedText = (t: ConsoleTranslate, { count, isMore }: Bounded): string =>
  `${t.number(count)}${isMore ? '+' : ''}`

export const boundedCell = ({ count, isMore }: Bounded): Cell => ({ kind: 'number', count, isMore })

const absentCell = (text: 'never' | 'none', otherwise: string | undefined): Cell =>
  otherwise === undefined ? { kind: 'absent', text } : quietCell(otherwise)

/** @param otherwise text for a missing date; absent: *never* */
export const timeCell = (at: Date | null | undefined, otherwise?: string, detail?: string): Cell =>
  at ? { kind: 'time', at, detail } : absentCell('never', otherwise)

export const badgeCell = (tone: Badge['tone'], text: string): Cell => ({ kind: 'badge', badge: { tone, text } })

/** An identifier: monospaced, with a copy button. @param label what it is: `client ID` */
export const idCell = (value: string, label: string): Cell => ({ kind: 'id', value, label })

/** @param otherwise text for no lines; absent: *none* */
export const linesCell = (lines: readonly string[], otherwise?: string): Cell =>
  lines.length > 0 ? { kind: 'lines', lines } : absentCell('none', otherwise)

export const actionsCell = (...actions: readonly RowAction[]): Cell => ({ kind: 'actions', actions })

/** A checkbox of the form below the list. @param of names the row for screen readers */
export const selectCell = (name: string, of: string): Cell => ({ kind: 'select', name, of })

/** A column does not break words up to this length, so `Introspection` stays whole. Longer ones are identifiers and addresses. */
const LONGEST_WHOLE_WORD = 13

const isWhole = (text: string): boolean => text.split(/\s/).every((word) => word.length <= LONGEST_WHOLE_WORD)

export const hasWholeWords = (cell: Cell): boolean =>
  cell.kind === 'number' ||
  cell.kind === 'absent' ||
  ((cell.kind === 'text' || cell.kind === 'link') && isWhole(cell.text) && isWhole(cell.detail ?? ''))

export const isBlank = (cell: Cell): boolean => cell.kind === 'text' && cell.text === ''

/** A label with a value, drawn by views/console/parts/facts.eta. */
export interface Fact {
  readonly term: string
  readonly cell: Cell
}

export const fact = (term: string, cell: Cell): Fact => ({ term, cell })
