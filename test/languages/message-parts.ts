import { parse, TYPE } from '@formatjs/icu-messageformat-parser'

type Node = ReturnType<typeof parse>[number]

/** What stands below a node: the forms of a plural, the content of a tag. */
function childrenOf(node: Node): Node[] {
  if (node.type === TYPE.plural || node.type === TYPE.select)
    return Object.values(node.options).flatMap(({ value }) => value)
  return node.type === TYPE.tag ? node.children : []
}

const nodesOf = (nodes: readonly Node[]): Node[] => nodes.flatMap((node) => [node, ...nodesOf(childrenOf(node))])

/** The placeholders and tags of a message, each once: the forms of a plural repeat them. */
export const placeholdersOf = (message: string): string[] => {
  const named = nodesOf(parse(message)).filter(({ type }) => type !== TYPE.literal && type !== TYPE.pound)
  return [...new Set(named.map((node) => `${TYPE[node.type]} ${'value' in node ? node.value : ''}`))].sort()
}

/** The forms of each plural of a message. */
export const pluralFormsOf = (message: string): string[][] =>
  nodesOf(parse(message)).flatMap((node) => (node.type === TYPE.plural ? [Object.keys(node.options).sort()] : []))

/** The text of a message without its placeholders. */
export const literalsOf = (message: string): string =>
  nodesOf(parse(message))
    .map((node) => (node.type === TYPE.literal ? node.value : ''))
    .join('')
