import { globSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { ts } from '@ts-morph/common'
import { check } from 'recheck'
import { expect, test } from 'vitest'
import { withoutSecrets } from '../src/shared/secrets.ts'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const CODE = ['src/**/*.ts', 'packages/*/src/**/*.ts', 'examples/**/*.{ts,js,mjs}']
const files = globSync(CODE, { cwd: ROOT, exclude: ['**/node_modules/**'] })

function nodesOf(file: string): ts.Node[] {
  const source = ts.createSourceFile(file, readFileSync(ROOT + file, 'utf8'), ts.ScriptTarget.Latest, true)
  const nodes: ts.Node[] = [source]
  for (const node of nodes) ts.forEachChild(node, (child) => void nodes.push(child))
  return nodes
}

const nodes = files.flatMap((file) => nodesOf(file).map((node) => ({ file, node })))

const patterns = nodes
  .filter(({ node }) => ts.isRegularExpressionLiteral(node))
  .map(({ file, node }) => ({ file, pattern: node.getText() }))

const isComposed = ({ node }: { node: ts.Node }): boolean =>
  (ts.isNewExpression(node) || ts.isCallExpression(node)) && node.expression.getText() === 'RegExp'

test('every regular expression is a literal, which the next test can read', () => {
  expect(patterns.length).toBeGreaterThan(100)
  expect(nodes.filter(isComposed).map(({ file, node }) => `${file}: ${node.getText()}`)).toEqual([])
})

// The analysis counts the characters that are read. By default, it also calls what takes a second of time vulnerable, and any
// text takes that on a busy machine.
const WITHOUT_TIME_LIMITS = { attackTimeout: null, incubationTimeout: null, seedingTimeout: null, timeout: null }

test.for(patterns)('$pattern in $file takes time that grows linearly with the text', async (one) => {
  const end = one.pattern.lastIndexOf('/')
  const [source, flags] = [one.pattern.slice(1, end), one.pattern.slice(end + 1)]
  const { status, ...found } = await check(source, flags, WITHOUT_TIME_LIMITS)
  const attack = 'attack' in found ? found.attack?.pattern : undefined
  expect({ status, attack }).toEqual({ status: 'safe', attack: undefined })
})

test('a text is shortened before secrets are looked for in it, and no secret is cut in a way that hides it', () => {
  expect(withoutSecrets('a'.repeat(1_000_000)).length).toBeLessThan(10_000)
  for (let length = 8_000; length < 8_300; length++) {
    expect(withoutSecrets(`${' '.repeat(length)}kws_${'S'.repeat(49)}`)).not.toContain('SS')
    expect(withoutSecrets(`${' '.repeat(length)}eyJhbGciOiJFUzI1NiJ9.eyJTU1Mi.SSSSSSSSS`)).not.toContain('SS')
  }
})
