import type { Form } from '../forms.ts'
import type { Cell } from './cells.ts'
import type { ConsolePage, PageAction } from './console-page.ts'

export interface Column {
  readonly heading: string
  /** Set right, where digits stand below digits. */
  readonly numeric?: boolean
  /** Of one word or number, which is not broken where there is room for rows. */
  readonly short?: boolean
  /** Left out where there is no room: on phones. */
  readonly spare?: boolean
  /** The heading is for screen readers only: of what can be done about a row. */
  readonly unseen?: boolean
}

/** What is said in the place of a list that is empty. */
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
  /** What can be searched for, in the box: `Name or client id`. Absent: there are only filters. */
  readonly placeholder?: string
  readonly filters?: readonly Filter[]
  /** Fields beside: `from`, `to` as dates. */
  readonly dates?: readonly { readonly name: string; readonly label: string }[]
  /** Those that are seldom needed, folded away until one of them is filled in. */
  readonly more?: readonly FilterField[]
}

export interface ListOptions {
  /** What is listed, for screen readers: `Applications`. */
  readonly caption: string
  readonly columns: readonly Column[]
  /** The first cell of a row names it. */
  readonly rows: readonly (readonly Cell[])[]
  /** Where there is nothing yet. */
  readonly empty: Empty
  /** Absent: the list is whole as it is. */
  readonly search?: SearchOptions
  /** Of a `PageOf`: where the next part begins. */
  readonly next?: string | null
}

const PLACE = 'after'

function hrefOf(path: string, query: Form, change: Record<string, string>): string {
  const kept = Object.fromEntries(
    [...query].filter(([name, value]) => value !== '' && !['notice', PLACE].includes(name)),
  )
  const text = new URLSearchParams({ ...kept, ...change }).toString()
  return text ? `${path}?${text}` : path
}

/** The next part and the way back; what was searched for stays. */
function pagingOf({ search, next }: ListOptions) {
  if (!search) return undefined
  const { path, query } = search
  const further = next ? hrefOf(path, query, { [PLACE]: next }) : undefined
  const start = query.has(PLACE) ? hrefOf(path, query, {}) : undefined
  return further || start ? { next: further, start } : undefined
}

function searchView({ path, query, placeholder, filters = [], dates = [], more = [] }: SearchOptions) {
  const isGiven = ({ name }: { name: string }) => (query.get(name) ?? '') !== ''
  return {
    path,
    placeholder,
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

const NOTHING_FOUND = { title: 'Nothing matches', text: 'Try fewer words, or another filter.' }

const NO_MORE = { title: 'This is the end of the list', text: 'What was here has gone meanwhile.' }

function emptyOf({ empty, search }: ListOptions, active: boolean): Empty {
  if (search?.query.has(PLACE)) return NO_MORE
  return active ? { ...NOTHING_FOUND, action: { href: search!.path, label: 'Show all' } } : empty
}

/** A list as views/console/parts/list.eta draws it. */
export function listView(options: ListOptions) {
  const { caption, columns, rows } = options
  const search = options.search && searchView(options.search)
  return {
    caption,
    columns,
    rows: rows.map((cells) => cells.map((cell, n) => ({ column: columns[n]!, cell }))),
    search,
    empty: emptyOf(options, search?.active ?? false),
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
