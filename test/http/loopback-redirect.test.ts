import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Keywright, startKeywright } from '../support/keywright.ts'

let server: Keywright

beforeAll(async () => {
  server = await startKeywright()
})

afterAll(() => server.stop())

const byName = (name: string, path: string, accept: string) => {
  const url = new URL(path, server.url)
  url.hostname = name
  return fetch(url, { headers: { accept }, redirect: 'manual' })
}

test('a browser that says localhost is led to the issuer, with all that it asked for', async () => {
  const led = await byName('localhost', '/signin?return_to=%2Faccount', 'text/html')
  expect([led.status, led.headers.get('location')]).toEqual([302, `${server.issuer}/signin?return_to=%2Faccount`])
})

test('machines are answered under whichever name they use', async () => {
  expect((await byName('localhost', '/.well-known/openid-configuration', '*/*')).status).toBe(200)
})

test('under the name of the issuer nobody is led anywhere', async () => {
  expect((await byName('127.0.0.1', '/signin', 'text/html')).status).toBe(200)
})
