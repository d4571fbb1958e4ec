import type { Fact } from './cells.ts'
import type { Change } from './changes.ts'
import type { ConsolePage, PageAction } from './console-page.ts'
import type { FormView } from './form-view.ts'
import type { Empty, ListView } from './list-page.ts'
import type { Copyable, SnippetGroup } from './panels.ts'
import type { PlotView } from './plot.ts'

/** One number that is looked at first. */
export interface Figure {
  readonly name: string
  readonly text: string
  /** A sentence of a few words below. */
  readonly detail?: string
  readonly href?: string
}

/** A form that asks for a file; it changes nothing. */
interface Download {
  readonly action: string
  readonly fields: readonly { readonly type: 'date'; readonly name: string; readonly label: string }[]
  /** Label of the button. */
  readonly submit: string
}

/** One of a few things that are compared. */
export interface Card {
  readonly heading: string
  readonly facts: readonly Fact[]
  /** `of` names the card for screen readers. */
  readonly actions: readonly (PageAction & { readonly of?: string })[]
}

interface BlockHead {
  readonly heading?: string
  readonly lead?: string
  readonly actions?: readonly PageAction[]
}

/** A part of a page, drawn by the template of its name below views/console/parts. */
export type Block = BlockHead &
  (
    | { readonly part: 'facts'; readonly facts: readonly Fact[] }
    | { readonly part: 'cards'; readonly cards: readonly Card[] }
    | { readonly part: 'figures'; readonly figures: readonly Figure[] }
    | { readonly part: 'list'; readonly list: ListView }
    | { readonly part: 'plot'; readonly plot: PlotView }
    | { readonly part: 'form'; readonly form: FormView }
    | ({ readonly part: 'download' } & Download)
    | { readonly part: 'changes'; readonly changes: readonly Change[] }
    | ({ readonly part: 'command' } & Copyable)
    | { readonly part: 'snippets'; readonly groups: readonly SnippetGroup[] }
    | ({ readonly part: 'empty' } & Empty)
  )

/** A page that is made of parts, one below the other. */
export const blocksPage = (page: Omit<ConsolePage, 'view' | 'data'>, blocks: readonly Block[]): ConsolePage => ({
  ...page,
  view: 'console/blocks',
  data: { blocks, isLive: page.isLive ?? false },
})
