import { it } from 'vitest'
import { createAccount } from '../../../src/accounts/accounts.ts'
import { launchBrowser, overhangOf, violationsOf } from '../../support/browser.ts'
import { findChromium } from '../../support/debian.ts'
import { startKeywright } from '../../support/keywright.ts'
import { createPerson, PASSWORD } from '../../support/people.ts'
import { openVisitor, redemptionOf } from '../../support/visitors.ts'
import { createOperator } from './console-visits.ts'

const LONG = `${'Aeroplane'.repeat(12)} & Söhne <b>`
it('x', { timeout: 280000 }, async () => {
  const kw = await startKeywright()
  const op = await createOperator(kw.knex)
  const account = (await createAccount(kw.knex, 'Northwind Traders')).id
  const empty = (await createAccount(kw.knex, 'Empty')).id
  const admin = await createPerson(kw.knex, account, 'admin')
  const lonely = await createPerson(kw.knex, empty, 'admin')
  const api = await kw.make.api({ scopes: ['calendar.read', 'calendar.write', 'contacts'] })
  const api2 = await kw.make.api({ scopes: ['read', 'all'] })
  const mk = (settings: object, apis: string[] = [api.identifier], scopes: string[] | null = null) =>
    kw.make.register({ settings, apis, scopes, account })
  const unattended = await mk({ name: 'Nightly export' }, [api.identifier, api2.identifier])
  for (let i = 0; i < 12; i++) await kw.machineToken(unattended)
  await mk({
    name: LONG,
    redirectUris: [`https://${'long-'.repeat(30)}.example.com/callback/path`],
    grants: ['authorization_code', 'refresh_token'],
  })
  const pub = await mk({
    name: 'Desktop agent',
    isPublic: true,
    grants: ['authorization_code', 'refresh_token'],
    redirectUris: ['http://127.0.0.1/callback', 'com.example.agent:/cb'],
  })
  const web = await mk(
    {
      name: 'Calendar Sync',
      grants: ['authorization_code', 'refresh_token', 'client_credentials'],
      redirectUris: ['https://app.example.com/callback'],
      consent: 'skip',
      accessTokenTtl: 36000,
      refreshTokenTtl: 31536000,
      queryCredentials: true,
      apiKeyRequired: false,
      rateLimit: { count: 600, period: 60 },
      postLogoutRedirectUris: ['https://app.example.com/bye'],
    },
    [api.identifier],
    ['calendar.read'],
  )
  for (let i = 0; i < 3; i++) {
    const person = await createPerson(kw.knex, account)
    const visitor = await openVisitor(kw, person)
    const code = await visitor.code(web, { scope: 'calendar.read' })
    await kw.token(redemptionOf(code), { basic: web })
  }
  await kw.knex('clients').where({ name: 'Desktop agent' }).update({ status: 'archived' })
  const b = await launchBrowser((await findChromium())!)
  const a = (id: string, rest = '') => `/applications/${id}${rest}`
  const jti = (await kw.knex('active_access_tokens').where({ client_id: web.clientId }).first('jti')).jti
  const full = [
    '/applications',
    '/applications?search=zzz',
    '/applications/new',
    a(web.clientId),
    a(web.clientId, '/edit'),
    a(web.clientId, '/tokens'),
    a(web.clientId, '/grants'),
    a(web.clientId, '/key'),
    a(web.clientId, '/archive'),
    a(web.clientId, '/revoke'),
    a(web.clientId, `/tokens/${jti}/revoke`),
    a(unattended.clientId, '/try'),
    a(pub.clientId),
    a(pub.clientId, '/restore'),
    a(pub.clientId, '/key'),
    a(pub.clientId, '/tokens'),
  ]
  const sizes = [
    [{ width: 1280, height: 800 }, 'light'],
    [{ width: 320, height: 640 }, 'dark'],
    [{ width: 1280, height: 800 }, 'dark'],
    [{ width: 320, height: 640 }, 'light'],
  ] as const
  for (const [who, name, list] of [
    [admin, 'ad', full],
    [
      op,
      'op',
      [
        '/applications',
        `/applications?account=${account}`,
        `/applications/new?account=${account}`,
        a(web.clientId),
        a(web.clientId, '/edit'),
      ],
    ],
    [lonely, 'em', ['/applications']],
  ] as const) {
    for (const [size, scheme] of sizes.slice(0, process.env.QUICK ? 2 : 4)) {
      const page = await b.open({ viewport: size, colorScheme: scheme })
      await page.goto(`${kw.url}/signin`)
      await page.fill('input[name=email]', who.email)
      await page.fill('input[name=password]', PASSWORD)
      await page.click('main button, form button')
      await page.waitForLoadState()
      const shoot = async (label: string) => {
        const found = await violationsOf(page)
        const over = await overhangOf(page)
        if (found.length || over > 0) console.log(name, size.width, scheme, label, over, found.join('\n'))
        await page.screenshot({ path: `/tmp/h6/${name}-${size.width}-${scheme}-${label}.png`, fullPage: true })
      }
      for (const path of list) {
        const answer = await page.goto(kw.url + path)
        const label = path
          .replaceAll(
            /kwc_\w+/g,
            (id) => ({ [web.clientId]: 'web', [unattended.clientId]: 'un', [pub.clientId]: 'pub' })[id] ?? 'id',
          )
          .replaceAll(/[0-9a-f]{8}-[0-9a-f-]+/g, 'uuid')
          .replaceAll(/[/?=]/g, '_')
        if (answer!.status() !== 200) console.log(path, answer!.status())
        await shoot(label)
      }
      if (who === lonely) continue
      await page.goto(`${kw.url}/applications/new`)
      await page.fill('[name=name]', LONG)
      await page.fill('[name=redirectUris]', 'javascript:alert(1)\nhttp://evil.example')
      await page.fill('[name=accessTokenTtl]', '31')
      await page.selectOption('[name="accessTokenTtl.unit"]', 'days')
      await page.click('.form-end button')
      await shoot('new-faults')
      await page.fill('[name=name]', 'Report robot')
      await page.fill('[name=redirectUris]', '')
      await page.fill('[name=accessTokenTtl]', '10')
      await page.selectOption('[name="accessTokenTtl.unit"]', 'hours')
      await page.check('[name="grants.client_credentials"]')
      await page.check('[name=isPublic][value=secret]')
      if (who === op) await page.fill('input[name=accountId]', 'Northwind Traders')
      await page.click('.form-end button')
      await shoot('added')
      if (who === op) continue
      const tried = page.locator('form[action$="/try"] button')
      if (await tried.count()) {
        await page.waitForTimeout(10)
        await tried.click()
        await page.waitForLoadState()
        await shoot('tried')
      }
      await page.goto(kw.url + a(web.clientId, '/edit'))
      await kw
        .knex('clients')
        .where({ client_id: web.clientId })
        .update({
          version: kw.knex.raw('version + 1'),
          access_token_ttl: 7200,
          redirect_uris: ['https://app.example.com/callback', 'https://new.example.com/cb'],
        })
      await page.fill('[name=name]', 'Calendar Sync 2')
      await page.click('.form-end button')
      await shoot('stale')
      await page.context().close()
    }
  }
  await b.close()
  await kw.stop()
})
