import { invalidInput } from './errors.ts'

/** The position after the string that begins at `start`. */
function endOfString(text: string, start: number): number {
  let at = start + 1
  while (text[at] !== '"') at += text[at] === '\\' ? 2 : 1
  return at + 1
}

/** The strings of valid JSON, and the characters that decide whether a string is a name. */
function* tokensOf(text: string): Generator<string> {
  for (let at = 0; at < text.length; at++) {
    const character = text[at]!
    if (character === '"') {
      const end = endOfString(text, at)
      yield text.slice(at, end)
      at = end - 1
    } else if ('{}[]:'.includes(character)) yield character
  }
}

/** Characters of a name in a message. */
const SHOWN = 40

/** Levels of lists and objects. Reading or writing some thousands of them overflows the stack. */
const MAX_DEPTH = 100

/**
 * Rejects a name that an object of valid JSON has twice, because parsers disagree about which of the values is meant (RFC 8259,
 * section 4), `__proto__`, which copies of an object lose, and more levels than are allowed.
 * @throws KeywrightError `invalid_input`
 */
function checkNames(text: string, maxDepth: number): void {
  // The names of each open object; undefined for a list.
  const open: (Set<string> | undefined)[] = []
  let last: string | undefined
  for (const token of tokensOf(text)) {
    if (token === '{') open.push(new Set())
    else if (token === '[') open.push(undefined)
    else if (token === '}' || token === ']') open.pop()
    else if (token === ':') {
      const name: string = JSON.parse(last!)
      const names = open.at(-1)!
      if (name === '__proto__') throw invalidInput('the name __proto__ is not allowed')
      if (names.has(name)) throw invalidInput(`the name ${JSON.stringify(name.slice(0, SHOWN))} is given twice`)
      names.add(name)
    }
    if (open.length > maxDepth) throw invalidInput('the JSON has too many levels')
    last = token
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw invalidInput('this is not valid JSON')
  }
}

/**
 * Parses JSON in which each name is unique within its object.
 * @param maxDepth levels of lists and objects; `Infinity` only where a schema limits them, which can say in which member they are
 * @throws KeywrightError `invalid_input`
 */
export function parseJson(text: string, maxDepth = MAX_DEPTH): unknown {
  const value = parse(text)
  checkNames(text, maxDepth)
  return value
}
