import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** The code blocks of a documentation page in one language, in the order of the page. `page`: relative to the repository. */
export function codeBlocksOf(page: string, language: string): string[] {
  const text = readFileSync(fileURLToPath(new URL(`../../${page}`, import.meta.url)), 'utf8')
  return [...text.matchAll(/^ *```(\S*)\n([\s\S]*?)^ *```$/gm)]
    .filter(([, named]) => named === language)
    .map(([, , body]) => body!)
}
