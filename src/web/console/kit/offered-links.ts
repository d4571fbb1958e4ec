import type { Principal } from '../../../management/principal.ts'
import type { Block, Card } from './blocks.ts'
import { type Cell, type Fact, type Phrase, quietCell } from './cells.ts'
import type { ConsolePage, PageLink } from './console-page.ts'
import type { ListView } from './list-page.ts'
import type { PageAccess } from './page-access.ts'

/** What a user may follow: the address of a page, or of what a form is sent to. */
interface Offer {
  link(href: string): boolean
  form(action: string): boolean
}

const withoutHref = ({ href: _, ...rest }: Phrase): Phrase => rest

function offeredCell(cell: Cell, offer: Offer): Cell {
  if (cell.kind === 'link' && !offer.link(cell.href)) return { kind: 'text', text: cell.text, detail: cell.detail }
  if (cell.kind === 'actions') {
    const actions = cell.actions.filter(({ href }) => offer.link(href))
    return actions.length > 0 ? { ...cell, actions } : quietCell('')
  }
  if (cell.kind !== 'activity') return cell
  const phrases = cell.phrases.map((one) => (one.href && !offer.link(one.href) ? withoutHref(one) : one))
  return { ...cell, phrases, details: offeredFacts(cell.details, offer) }
}

const offeredFacts = (facts: readonly Fact[], offer: Offer): Fact[] =>
  facts.map(({ term, cell }) => ({ term, cell: offeredCell(cell, offer) }))

const offeredLinks = <Link extends PageLink>(links: readonly Link[], offer: Offer): Link[] =>
  links.filter(({ href }) => offer.link(href))

function offeredEmpty<E extends { readonly action?: PageLink }>(empty: E, offer: Offer): E {
  if (!empty.action || offer.link(empty.action.href)) return empty
  const { action: _, ...rest } = empty
  return rest as E
}

function offeredList({ selection, ...list }: ListView, offer: Offer): ListView {
  const selects = selection !== undefined && offer.form(selection.action)
  const shown = (cell: Cell): Cell => (cell.kind === 'select' && !selects ? quietCell('') : offeredCell(cell, offer))
  return {
    ...list,
    selection: selects ? selection : undefined,
    rows: list.rows.map((cells) => cells.map((one) => ({ ...one, cell: shown(one.cell) }))),
    empty: offeredEmpty(list.empty, offer),
  }
}

const offeredCard = ({ facts, actions, ...card }: Card, offer: Offer): Card => ({
  ...card,
  facts: offeredFacts(facts, offer),
  actions: offeredLinks(actions, offer),
})

/** The block with what is offered; none if nothing of it is left. */
function offeredBlock(block: Block, offer: Offer): Block[] {
  const head = { ...block, ...(block.actions && { actions: offeredLinks(block.actions, offer) }) }
  if (head.part === 'facts') return [{ ...head, facts: offeredFacts(head.facts, offer) }]
  if (head.part === 'cards') return [{ ...head, cards: head.cards.map((card) => offeredCard(card, offer)) }]
  if (head.part === 'list') return [{ ...head, list: offeredList(head.list, offer) }]
  if (head.part === 'form') return offer.form(head.form.action) ? [head] : []
  if (head.part === 'download') return offer.link(head.action) ? [head] : []
  if (head.part === 'empty') return [offeredEmpty(head, offer)]
  if (head.part === 'figures') {
    const figures = head.figures.map(({ href, ...one }) => (href && offer.link(href) ? { ...one, href } : one))
    return [{ ...head, figures }]
  }
  if (head.part !== 'changes') return [head]
  const changes = head.changes.filter(({ action }) => !action || offer.link(action.href))
  return changes.length > 0 ? [{ ...head, changes }] : []
}

/** What *Inspect* shows. */
interface InspectionResult {
  readonly list?: ListView
  readonly facts?: readonly Fact[]
  readonly acts?: readonly PageLink[]
  /** Of a token that a form of the page revokes. */
  readonly jti?: string
}

const offeredResult = ({ list, facts, acts, jti }: InspectionResult, offer: Offer): InspectionResult => ({
  ...(list && { list: offeredList(list, offer) }),
  ...(facts && { facts: offeredFacts(facts, offer) }),
  ...(acts && { acts: offeredLinks(acts, offer) }),
  ...(jti && offer.form('/inspect/token') && { jti }),
})

interface PageParts {
  readonly blocks?: readonly Block[]
  readonly list?: ListView
  readonly result?: InspectionResult
}

/**
 * The page without links, actions and forms that the user's role does not permit. A link within a table or a sentence becomes text.
 * Only what `blocksPage`, `listPage` and *Inspect* draw, and the head of every page: other pages are forms, which a permission guards as a
 * whole.
 */
export function withOfferedLinks(page: ConsolePage, who: Principal, access: PageAccess): ConsolePage {
  const offer: Offer = {
    link: (href) => access.mayOpen(who, href),
    form: (action) => access.maySend(who, action),
  }
  const { blocks, list, result }: PageParts = page.data ?? {}
  return {
    ...page,
    ...(page.actions && { actions: offeredLinks(page.actions, offer) }),
    ...(page.tabs && { tabs: offeredLinks(page.tabs, offer) }),
    ...(page.breadcrumbs && { breadcrumbs: offeredLinks(page.breadcrumbs, offer) }),
    data: {
      ...page.data,
      ...(blocks && { blocks: blocks.flatMap((block) => offeredBlock(block, offer)) }),
      ...(list && { list: offeredList(list, offer) }),
      ...(result && { result: offeredResult(result, offer) }),
    },
  }
}
