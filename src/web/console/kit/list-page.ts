import type { ConsoleText } from '../../../languages/console/console-text.ts'
import type { PageOf } from '../../../management/paging.ts'
import type { Form } from '../../forms.ts'
import { type Cell, hasWholeWords, isBlank } from './cells.ts'
import type { ConsolePage, PageAction } from './console-page.ts'

export interface Column {
  readonly heading: string
  /** Aligned to the right. */
  readonly numeric?: boolean
  /** Short content that does not wrap. */
  readonly short?: boolean
  /** Sentences, which begin below the heading where a row is drawn as a card. */
  readonly sentences?: boolean
  /** Hidden on narrow screens. */
  readonly wideOnly?: boolean
  /** The heading is visible to screen readers only. */
  readonly hiddenHeading?: boolean
  /** Sort key; with a minus, descending. Absent when no index supports it. */
  readonly sort?: string
}

/** Shown instead of an empty list. */
export interface Empty {
  readonly title: string
  readonly text: string
  readonly action?: PageAction
}

export interface Filter {
  readonly name: string
  readonly label: string
  /** The first one stands for no filter, with the value ''. */
  readonly choices: readonly { readonly value: string; readonly label: string }[]
}

export interface FilterField {
  readonly name: string
  readonly label: string
  readonly type: 'text' | 'date'
  readonly placeholder?: string
}

export interface SearchOptions {
  readonly path: string
  readonly query: Form
  /** What can be searched for, in the box: `Name or client ID`. Absent: there are only filters. */
  readonly placeholder?: string
  readonly filters?: readonly Filter[]
  /** Fields beside: `from`, `to` as dates. */
  readonly dates?: readonly { readonly name: string; readonly label: string }[]
  /** Rarely used fields, collapsed until one of them has a value. */
  readonly more?: readonly FilterField[]
}

export interface ListOptions {
  /** What is listed, for screen readers: `Applications`. */
  readonly caption: string
  readonly columns: readonly Column[]
  /** The first cell of a row names it. */
  readonly rows: readonly (readonly Cell[])[]
  /** Shown when there are no objects yet. */
  readonly empty: Empty
  /** Absent: no search and no paging. */
  readonly search?: SearchOptions
  /** Which part of the list this is. */
  readonly page?: Omit<PageOf<unknown>, 'items'>
  /** How the list is sorted, where its columns offer that. */
  readonly sort?: string
  /** What can be done with the rows that are selected (`selectCell`). */
  readonly selection?: { readonly action: string; readonly submit: string }
  /** A log: what comes next is older. */
  readonly isLog?: boolean
}

const CURSORS = ['after', 'before']

/** A URL of the list that keeps the filters and the order. An empty value removes a field. */
function hrefOf({ path, query }: SearchOptions, change: Record<string, string> = {}): string {
  const remaining = [...query].filter(([name]) => !['notice', ...CURSORS].includes(name))
  const fields = Object.entries({ ...Object.fromEntries(remaining), ...change }).filter(([, value]) => value !== '')
  const text = new URLSearchParams(fields).toString()
  return text ? `${path}?${text}` : path
}

/** `1–50 of 312`, `1–50 of 10,000+` in numbers; undefined without a count. */
function rangeOf({ rows, page }: ListOptions) {
  if (!page?.total || page.first === null) return undefined
  const { first, total } = page
  const last = first + rows.length - 1
  return { first, last, all: Math.max(total.count, last), isMore: total.isMore }
}

/** The parts before and after. */
function pagingOf(options: ListOptions) {
  const { search, page, isLog = false } = options
  const range = rangeOf(options)
  if (!search || !page || (range === undefined && !page.next && !page.previous)) return undefined
  const link = (label: ConsoleText, field: string, cursor: string | null) =>
    cursor === null ? undefined : { label, href: hrefOf(search, { [field]: cursor }) }
  return {
    range,
    previous: link(isLog ? 'Newer' : 'Previous', 'before', page.previous),
    next: link(isLog ? 'Older' : 'Next', 'after', page.next),
  }
}

const reversed = (sort: string): string => (sort.startsWith('-') ? sort.slice(1) : `-${sort}`)

/** The sort state of a column and the link that sorts by it or reverses it. */
function sortingOf({ sort: by }: Column, { search, sort: current }: ListOptions) {
  if (!search || by === undefined) return undefined
  const isCurrent = current === by || current === reversed(by)
  const direction = current?.startsWith('-') ? ('descending' as const) : ('ascending' as const)
  return {
    href: hrefOf(search, { sort: isCurrent ? reversed(current!) : by }),
    direction: isCurrent ? direction : undefined,
    icon: isCurrent ? direction : 'unsorted',
  }
}

const classesOf = ({ numeric, wideOnly, short, sentences }: Column, isSortable: boolean): string =>
  [numeric && 'numeric', wideOnly && 'wide-only', short && 'short', sentences && 'sentences', isSortable && 'sortable']
    .filter(Boolean)
    .join(' ')

const cellClasses = (cell: Cell, classes: string): string =>
  [classes, hasWholeWords(cell) && 'whole-words', isBlank(cell) && 'blank'].filter(Boolean).join(' ')

function searchView(options: SearchOptions) {
  const { path, query, placeholder, filters = [], dates = [], more = [] } = options
  // Without fields, `options` serves the links of the pages alone.
  if (placeholder === undefined && [...filters, ...dates, ...more].length === 0) return undefined
  const isGiven = ({ name }: { name: string }) => (query.get(name) ?? '') !== ''
  const names = ['search', ...[...filters, ...dates, ...more].map(({ name }) => name)]
  return {
    path,
    placeholder,
    /** Sorted in the same order. */
    sort: query.get('sort') || undefined,
    clear: hrefOf(options, Object.fromEntries(names.map((name) => [name, '']))),
    text: query.get('search') ?? '',
    filters: filters.map((filter) => ({
      ...filter,
      choices: filter.choices.map((choice) => ({ ...choice, chosen: choice.value === (query.get(filter.name) ?? '') })),
    })),
    dates: dates.map((date) => ({ ...date, value: query.get(date.name) ?? '' })),
    more: more.map((field) => ({ ...field, value: query.get(field.name) ?? '' })),
    isMoreOpen: more.some(isGiven),
    active: [{ name: 'search' }, ...filters, ...dates, ...more].some(isGiven),
  }
}

interface NothingHere {
  readonly title: ConsoleText
  readonly text: ConsoleText
  readonly href: string
  readonly label: ConsoleText
}

/** Why a list with objects has none here, and the way to them. */
function nothingHereOf({ search }: ListOptions, clear: string | undefined): NothingHere | undefined {
  if (search && CURSORS.some((name) => search.query.has(name))) {
    return {
      title: 'No more results',
      text: 'The entries on this page no longer exist.',
      href: hrefOf(search),
      label: 'Go to the first page',
    }
  }
  if (clear === undefined) return undefined
  return { title: 'No results', text: 'Change the search text or the filters.', href: clear, label: 'Clear filters' }
}

/** A list as views/console/parts/list.eta draws it. */
export function listView(options: ListOptions) {
  const { caption, rows, selection, empty } = options
  const search = options.search && searchView(options.search)
  const columns = options.columns.map((column) => {
    const sorting = sortingOf(column, options)
    return { ...column, sorting, classes: classesOf(column, sorting !== undefined) }
  })
  return {
    caption,
    selection,
    columns,
    isSortable: columns.some(({ sorting }) => sorting !== undefined),
    rows: rows.map((cells) =>
      cells.map((cell, n) => ({ column: columns[n]!, cell, classes: cellClasses(cell, columns[n]!.classes) })),
    ),
    search,
    empty,
    nothingHere: nothingHereOf(options, search?.active ? search.clear : undefined),
    paging: pagingOf(options),
  }
}

export type ListView = ReturnType<typeof listView>

/** A page that is one list. */
export const listPage = (page: Omit<ConsolePage, 'view' | 'data'>, options: ListOptions): ConsolePage => ({
  ...page,
  view: 'console/list',
  data: { list: listView(options) },
})
