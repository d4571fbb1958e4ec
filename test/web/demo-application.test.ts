import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { send } from '../support/requests.ts'
import { openBrowser } from '../support/scriptless-browser.ts'
import { DEMO, openFakeManagement, SYNC } from './fake-management.ts'

const opened: { close(): Promise<unknown> }[] = []

afterEach(async () => {
  vi.restoreAllMocks()
  for (const one of opened.splice(0)) await one.close()
})

async function open(ownUrl?: string) {
  const fake = await openFakeManagement({ ownUrl })
  opened.push(fake)
  return { fake, browser: openBrowser(fake.origin) }
}

/** Something else in the place of the token endpoint. */
async function openEndpoint(answer: RequestListener): Promise<string> {
  const http = createServer(answer)
  await once(http.listen(0, '127.0.0.1'), 'listening')
  opened.push({ close: () => new Promise((resolve) => http.close(resolve).closeAllConnections()) })
  return `http://127.0.0.1:${(http.address() as AddressInfo).port}`
}

/** Comes back with a code, as after somebody allowed it. */
async function comeBack({ fake, browser }: Awaited<ReturnType<typeof open>>) {
  const asked = new URL((await browser.visit(`/demo?client_id=${DEMO}`)).url)
  const query = { code: 'c1', state: asked.searchParams.get('state')!, iss: fake.origin }
  return await browser.visit(`/demo/callback?${new URLSearchParams(query)}`)
}

describe('the demo', () => {
  it('asks for everything that its own application has of its API', async () => {
    const { fake, browser } = await open()
    const asked = new URL((await browser.visit(`/demo?client_id=${DEMO}`)).url)
    expect(asked.pathname).toBe('/oauth2/authorize')
    expect(Object.fromEntries(asked.searchParams)).toMatchObject({
      client_id: DEMO,
      redirect_uri: `${fake.origin}/demo/callback`,
      scope: 'openid profile email offline_access calendar.read',
    })
  })

  it('is for every other application a page that is not there', async () => {
    const { fake } = await open()
    const ask = (path: string, accept: string) => send(fake.origin + path, { headers: { accept }, redirect: 'manual' })
    const others = [`?client_id=${SYNC.clientId}`, '?client_id=a%20b', '?client_id=', '', '?client_id=a&client_id=b']
    for (const accept of ['text/html', 'application/json']) {
      const nothing = await ask('/nothing', accept)
      for (const query of others) {
        const { status, text, headers } = await ask(`/demo${query}`, accept)
        expect([query, status, text]).toEqual([query, 404, nothing.text])
        expect(headers.getSetCookie()).toEqual([])
      }
    }
  })

  it.each<[string, RequestListener]>([
    ['breaks off', (req) => req.destroy()],
    ['says something else', (_, res) => res.end('<p>a proxy</p>')],
  ])('says so when the token endpoint %s', async (_, answer) => {
    const { fake, ...rest } = await open(await openEndpoint(answer))
    const page = await comeBack({ fake, ...rest })
    expect([page.status, page.text.includes('no_answer')]).toEqual([502, true])
    expect(page.text).toContain(`href="/demo?client_id=${DEMO}"`)
    expect(fake.failures.at(-1)).toBeInstanceOf(Error)
  })

  it('waits ten seconds for the token endpoint and no longer', async () => {
    const timeout = AbortSignal.timeout
    const waited = vi.spyOn(AbortSignal, 'timeout').mockImplementation(() => timeout.call(AbortSignal, 50))
    const page = await comeBack(await open(await openEndpoint(() => {})))
    expect([page.status, page.text.includes('no_answer')]).toEqual([502, true])
    expect(waited).toHaveBeenCalledWith(10_000)
  })
})
