import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Nodes, startNodes } from '../support/nodes.ts'

const PROBE = fileURLToPath(new URL('../support/young-generation.mjs', import.meta.url))
const MEBIBYTE = 2 ** 20

let nodes: Nodes

beforeAll(async () => {
  nodes = await startNodes(1, { env: { NODE_OPTIONS: `--import ${PROBE}` } })
})

afterAll(() => nodes.stop())

test('the young generation of a server is small at rest, and grows under load', async () => {
  const [node] = nodes.nodes
  const written = /young generation: (\d+) to (\d+) bytes/
  node!.signal('SIGUSR2')
  await node!.says(written)
  const [, before, after] = written.exec(node!.stderr())!
  expect(Number(before)).toBeLessThanOrEqual(4 * MEBIBYTE)
  expect(Number(after)).toBeGreaterThanOrEqual(8 * MEBIBYTE)
})
