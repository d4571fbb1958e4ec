/** Lists, forms with errors and confirmations in German: users, accounts, APIs, inspection, usage, leaks and revocations. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { translateConsoleTo } from '../../../src/languages/console/console-translator.ts'
import { languageOf } from '../../../src/languages/languages.ts'
import { boundedValues } from '../../../src/web/console/kit/bounded-values.ts'
import { type Keywright, startKeywright } from '../../support/keywright.ts'
import type { Browser, Page } from '../../support/scriptless-browser.ts'
import { createTestUser, type Person } from '../../support/test-users.ts'
import { createOperator, enter, wordsOf } from './console-visits.ts'

let server: Keywright
let account: string
let ada: Person
let api: Awaited<ReturnType<Keywright['make']['api']>>
let asAda: Browser
let asOperator: Browser

/** A browser of somebody who selected German. */
async function enterInGerman(person: Person): Promise<Browser> {
  const browser = await enter(server, person)
  browser.cookies.set('kw_language /', { value: `de.${Math.floor(Date.now() / 1000)}`, path: '/' })
  return browser
}

beforeAll(async () => {
  server = await startKeywright()
  account = await server.make.account()
  ada = await createTestUser(server.knex, account, 'admin')
  api = await server.make.api()
  asAda = await enterInGerman(ada)
  asOperator = await enterInGerman(await createOperator(server.knex))
})
afterAll(() => server.stop())

const isGerman = ({ text }: Page): boolean => text.includes('<html lang="de" dir="ltr">')

/** An admin with a key pair and this many tokens of it. */
async function holderOf(tokens: number) {
  const user = await createTestUser(server.knex, account, 'admin')
  const pair = await server.make.keyPair(user.id, [api.identifier])
  const ask = { grant_type: 'client_credentials', client_id: pair.clientId, client_secret: pair.clientSecret }
  for (let n = 0; n < tokens; n++) expect((await server.token(ask)).status).toBe(200)
  return { user, pair }
}

describe('users in German', () => {
  it('are listed with their roles and statuses', async () => {
    const words = wordsOf(await asAda.visit(`/users?search=${ada.email}`))
    expect(words).toContain('Benutzer Ihres Kontos und ihre Rollen.')
    expect(words).toMatch(/Administrator Aktiv gerade eben/)
    expect(words).toMatch(/1–1 von 1/)
  })

  it('have a form whose errors are announced in German', async () => {
    const page = await asAda.submit(await asAda.visit('/users/invite'), /invite$/, { email: 'nobody', role: 'member' })
    expect([page.status, isGerman(page)]).toEqual([400, true])
    expect(wordsOf(page)).toContain('Ihre Änderungen wurden nicht gespeichert E-Mail-Adresse :')
    expect(wordsOf(page)).toContain('Mitglied Meldet sich bei Anwendungen an')
  })

  it('get a message with their one-time password', async () => {
    const form = await asAda.visit('/users/invite')
    const words = wordsOf(await asAda.submit(form, /invite$/, { email: 'max@people.example', role: 'member' }))
    expect(words).toContain('max@people.example wurde eingeladen')
    expect(words).toMatch(/Anmelden unter: \S+\/signin E-Mail-Adresse: max@people.example Einmalpasswort: \S+ Dieses/)
  })

  it.each([
    [0, /wird deaktiviert, und 0 aktive Tokens werden widerrufen\./],
    [1, /wird deaktiviert, und 1 aktives Token wird widerrufen\./],
    [2, /wird deaktiviert, und 2 aktive Tokens werden widerrufen\./],
  ])('are disabled after a page that states the effects, with %i tokens', async (tokens, text) => {
    const { user } = await holderOf(tokens)
    const page = await asAda.visit(`/users/${user.id}/status`)
    expect(wordsOf(page)).toContain('Folgen: Alle Sitzungen des Benutzers werden beendet')
    expect(wordsOf(page)).toMatch(text)
    const done = await asAda.submit(page, /status$/, {})
    expect(wordsOf(done)).toContain('Benutzer deaktiviert. Alle Tokens des Benutzers sind widerrufen.')
  })

  it('who are the last admin are protected, and the reason is in German', async () => {
    const words = wordsOf(await asAda.visit(`/users/${ada.id}`))
    expect(words).toContain('Das können Sie nicht bei sich selbst tun. Bitten Sie einen anderen Administrator darum.')
    expect(words).toMatch(/Zwei-Faktor-Authentifizierung nicht aktiv/)
  })
})

describe('accounts in German', () => {
  it('are listed', async () => {
    const page = await asOperator.visit('/accounts')
    expect(wordsOf(page)).toContain('Konten Konto hinzufügen Unternehmenskunden dieser Instanz.')
    expect(wordsOf(page)).toContain('Alle Status Aktiv Deaktiviert Wird gelöscht')
  })

  it('have a form with an error', async () => {
    const page = await asOperator.submit(await asOperator.visit('/accounts/new'), /new$/, { name: '' })
    expect([page.status, isGerman(page)]).toEqual([400, true])
    expect(wordsOf(page)).toContain('Ihre Änderungen wurden nicht gespeichert Name :')
    expect(wordsOf(page)).toContain('Maximale Gültigkeitsdauer der Secrets')
  })

  it('are disabled after a page that counts what stops: nothing, one or several', async () => {
    const empty = await server.make.account()
    const none = wordsOf(await asOperator.visit(`/accounts/${empty}/status`))
    expect(none).toContain('0 Benutzer werden abgemeldet und können sich nicht mehr anmelden.')
    expect(none).toContain('Es werden keine Schlüsselpaare oder Anwendungen deaktiviert: Das Konto hat keine.')

    await createTestUser(server.knex, empty, 'admin')
    await server.make.register({ account: empty })
    const one = wordsOf(await asOperator.visit(`/accounts/${empty}/status`))
    expect(one).toContain('1 Benutzer wird abgemeldet und kann sich nicht mehr anmelden. 1 Anwendung wird deaktiviert.')

    await createTestUser(server.knex, empty)
    await server.make.register({ account: empty })
    const two = wordsOf(await asOperator.visit(`/accounts/${empty}/status`))
    expect(two).toContain('2 Benutzer werden abgemeldet und können sich nicht mehr anmelden.')
    expect(two).toContain('2 Anwendungen werden deaktiviert.')
  })
})

describe('APIs in German', () => {
  it('are listed with their settings', async () => {
    const words = wordsOf(await asOperator.visit('/apis'))
    expect(words).toContain('Ressourcenserver, die Access-Tokens akzeptieren.')
    expect(words).toMatch(/Gültigkeitsdauer der Access-Tokens Token-Richtlinie/)
  })

  it('have a form with an error', async () => {
    const form = await asOperator.visit('/apis/new')
    const page = await asOperator.submit(form, /new$/, { identifier: 'no uri' })
    expect([page.status, isGerman(page)]).toEqual([400, true])
    expect(wordsOf(page)).toContain('Ihre Änderungen wurden nicht gespeichert')
    expect(page.text).toContain('placeholder="Ihren Kalender ansehen"')
  })

  it('lose a scope after a page that names it', async () => {
    const { id } = await server.knex('apis').where({ identifier: api.identifier }).first('id')
    const form = await asOperator.visit(`/apis/${id}/edit`)
    const first = /name="scopes\.0\.scope" value="([^"]+)"/.exec(form.text)![1]!
    const added = await asOperator.submit(form, /edit$/, { 'scopes.9.scope': 'rides.read' })
    expect(wordsOf(added)).toContain('API gespeichert. Änderungen gelten für neue Tokens.')
    const again = await asOperator.visit(`/apis/${id}/edit`)
    const words = wordsOf(await asOperator.submit(again, /edit$/, { 'scopes.0.remove': 'on' }))
    expect(words).toContain(`Scope ${first} entfernen?`)
    expect(words).toMatch(/Zu entfernende Scopes: \S+\. \d+ Clients können diese API aufrufen\./)
  })
})

describe('inspection in German', () => {
  const inspect = async (text: string): Promise<Page> =>
    await asAda.submit(await asAda.visit('/inspect'), /inspect$/, { text })

  it('has a form with an error', async () => {
    const page = await inspect('')
    expect([page.status, isGerman(page)]).toEqual([400, true])
    expect(wordsOf(page)).toContain('Es wurde nichts geprüft')
  })

  it('says what a text is and whether it works', async () => {
    const { pair } = await holderOf(0)
    const words = wordsOf(await inspect(pair.clientId))
    expect(words).toContain('Schlüsselpaar Funktioniert Der Client ist aktiv und kann Tokens anfordern.')
    expect(words).toContain('Schlüsselpaar stoppen')
    expect(wordsOf(await inspect('what is this'))).toContain('Nicht gefunden')
  })
})

describe('usage in German', () => {
  it('has a plot, the refused requests and the quotas of a client', async () => {
    const { clientId } = await server.make.register({ account, settings: { quotaPerHour: 2, quotaMode: 'observe' } })
    const words = wordsOf(await asAda.visit(`/usage/${clientId}?span=week`))
    expect(words).toContain('Tokens und abgelehnte Anfragen, letzte 7 Tage')
    expect(words).toContain('Keine in den letzten 7 Tagen.')
    expect(words).toMatch(
      /Tokens in dieser Stunde Eigenes Kontingent 0 2 Beobachtet in \d+ (Stunde|Minuten?|Sekunden?)/,
    )
    const all = wordsOf(await asOperator.visit('/usage'))
    expect(all).toContain('In der letzten Stunde abgelehnt')
    expect(all).toContain('CSV herunterladen')
  })
})

describe('leaks and revocations in German', () => {
  it('are explained while there are none', async () => {
    expect(wordsOf(await asAda.visit('/leaks'))).toContain('Keine kompromittierten Zugangsdaten')
    const { pair } = await holderOf(1)
    expect(wordsOf(await asAda.visit(`/revocations/${pair.clientId}`))).toContain('Kein Widerruf')
  })
})

describe('a count in a German sentence', () => {
  const t = translateConsoleTo(languageOf('de')!)

  it.each([
    [{ count: 1, isMore: false }, '1 Benutzer wird mit seinen Schlüsselpaaren gelöscht.'],
    [{ count: 1200, isMore: false }, '1.200 Benutzer werden mit ihren Schlüsselpaaren gelöscht.'],
    [{ count: 10_000, isMore: true }, 'Mehr als 10.000 Benutzer werden mit ihren Schlüsselpaaren gelöscht.'],
  ])('agrees with its verb: %j', (count, text) => {
    expect(
      t(
        'delete {more, select, yes {more than } other {}}{count, plural, one {# user} other {# users}}, with their key pairs',
        boundedValues(count),
      ),
    ).toBe(text)
  })
})
