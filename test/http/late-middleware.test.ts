import type { Context, Middleware } from 'koa'
import { expect, test } from 'vitest'
import { loadWhenUsed } from '../../src/http/late-middleware.ts'

const run = (middleware: Middleware) => middleware({} as Context as never, async () => 'next')

test('a middleware is loaded once, at its first request', async () => {
  let loads = 0
  const middleware = loadWhenUsed(async () => {
    loads++
    return (_ctx, next) => next()
  })
  expect(loads).toBe(0)
  await Promise.all([run(middleware), run(middleware)])
  await run(middleware)
  expect(loads).toBe(1)
})

test('a middleware that could not be loaded is loaded again at the next request', async () => {
  let loads = 0
  const middleware = loadWhenUsed(async () => {
    loads++
    if (loads === 1) throw new Error('too many open files')
    return (_ctx, next) => next()
  })
  await expect(run(middleware)).rejects.toThrow('too many open files')
  await run(middleware)
  expect(loads).toBe(2)
})
