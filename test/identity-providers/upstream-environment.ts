import { createIdentityProvider } from '../../src/management/identity-provider-operations.ts'
import { operator } from '../management/principals.ts'
import { type Keywright, startKeywright } from '../support/keywright.ts'
import { type Browser, formsOf, openBrowser, type Page } from '../support/scriptless-browser.ts'
import { type ScriptedProvider, startScriptedProvider } from './scripted-provider.ts'

export const ALLOW = { OUTGOING_ALLOW: '127.0.0.1' }

type Values = Partial<Parameters<typeof createIdentityProvider>[2]>

/** A server and a provider that it trusts. */
export async function openUpstream() {
  const server = await startKeywright({ env: ALLOW })
  const provider = await startScriptedProvider()
  return {
    server,
    provider,
    /** Registers the provider; returns its ID. */
    add: (values: Values = {}, at: ScriptedProvider = provider) => addProvider(server, at, values),
    async stop() {
      provider.stop()
      await server.stop()
    },
  }
}

export async function addProvider(server: Keywright, at: ScriptedProvider, values: Values = {}): Promise<string> {
  const management = { knex: server.knex, encryptionKeys: server.instance.encryptionKeys }
  const { issuer, clientId, clientSecret } = at
  const given = { name: 'Acme', issuer, clientId, clientSecret, ...values }
  return (await createIdentityProvider(management, operator, given)).id
}

/** Sends the sign-in form of a page to the address for providers, as its second button does. */
export async function submitToProvider(browser: Browser, page: Page, fields: Record<string, string>): Promise<Page> {
  const form = formsOf(page).find(({ action }) => /\/sign-?in$/.test(action))!
  const action = new URL(form.action.replace(/\/sign-in$/, '/provider').replace(/\/signin$/, '/signin/provider'))
  const body = new URLSearchParams({ ...form.fields, ...fields })
  return await browser.visit(action.href, { method: 'POST', body, headers: { origin: action.origin } })
}

/** Selects a provider on the sign-in page; returns where the browser is sent. */
export async function select(
  browser: Browser,
  providerId: string,
  path = '/signin?return_to=/account/security',
): Promise<URL> {
  return (await submitToProvider(browser, await browser.visit(path), { provider: providerId })).left!
}

/** Signs in through a provider; returns the page on which the browser ends. */
export async function signInThrough(
  { server, provider }: { server: Keywright; provider: ScriptedProvider },
  providerId: string,
  claims: Record<string, unknown>,
  browser = openBrowser(server.url),
): Promise<{ page: Page; browser: Browser }> {
  const left = await select(browser, providerId)
  return { page: await browser.visit(provider.authorize(left, claims).href), browser }
}
