/** Applications and their keys in German: what depends on counts, forms with errors, and pages after a change. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { translateConsoleTo } from '../../../src/languages/console/console-translator.ts'
import { languageOf } from '../../../src/languages/languages.ts'
import { callersStop, heldTokensStop } from '../../../src/web/console/applications/effect-texts.ts'
import { type Keywright, startKeywright } from '../../support/keywright.ts'
import { type Admin, copyableOf, openAdmin } from './admin-session.ts'
import { wordsOf } from './console-visits.ts'
import { type Changes, sendForm } from './filled-forms.ts'

const t = translateConsoleTo(languageOf('de')!)

const counted = (count: number, isMore = false) => ({ count, isMore })

describe('what an action does, in German', () => {
  it.each([
    [counted(0), counted(0), 'Es werden keine Tokens widerrufen: Keines ist aktiv.'],
    [counted(1), counted(0), 'Es wird 1 Access-Token sofort widerrufen.'],
    [counted(1), counted(1), 'Es werden 1 Access-Token und 1 Refresh-Token sofort widerrufen.'],
    [counted(0), counted(2), 'Es werden 2 Refresh-Tokens sofort widerrufen.'],
    [counted(1000, true), counted(1), 'Es werden mehr als 1.000 Access-Tokens und 1 Refresh-Token sofort widerrufen.'],
  ])('agrees with the number of tokens: %j %j', (activeTokens, grants, text) => {
    expect(heldTokensStop(t, { activeTokens, grants })).toBe(text)
  })

  it.each([
    [[], 'Kein Aufrufer ist betroffen: In den letzten 24 Stunden gab es keinen.'],
    [['192.0.2.1', '192.0.2.1'], '1 IP-Adresse, von der in den letzten 24 Stunden Anfragen kamen, wird blockiert.'],
    [
      ['192.0.2.1', '192.0.2.2'],
      '2 IP-Adressen, von denen in den letzten 24 Stunden Anfragen kamen, werden blockiert.',
    ],
  ])('agrees with the number of callers: %j', (addresses, text) => {
    expect(callersStop(t, { callers: addresses.map((ip) => ({ ip })) })).toBe(text)
  })
})

describe('applications for a German admin', () => {
  let server: Keywright
  let admin: Admin

  beforeAll(async () => {
    server = await startKeywright()
    admin = await openAdmin(server)
    await admin.visit('/language?to=de&return_to=%2F')
  })
  afterAll(() => server.stop())

  const add = async (changes: Changes) =>
    await sendForm(admin, await admin.visit('/applications/new?type=service'), /\/applications\/new$/, changes)

  it('are added with a form whose errors are in German, and those of every interface marked as English', async () => {
    const empty = await add({ name: '', description: 'x'.repeat(3000) })
    expect(empty.status).toBe(400)
    expect(wordsOf(empty)).toContain('Ihre Änderungen wurden nicht gespeichert')
    expect(wordsOf(empty)).toContain('Name : Dieses Feld ist erforderlich.')
    const web = await admin.visit('/applications/new?type=web')
    const refused = await sendForm(admin, web, /\/applications\/new$/, {
      name: 'Kalender',
      redirectUris: 'http://example.com/callback',
    })
    expect(refused.text).toMatch(/<p class="field-error"[^>]*><span lang="en">[^<]+<\/span>/)
    const none = await add({ name: 'Kalender', narrowing: 'some' })
    expect(wordsOf(none)).toContain('Wählen Sie mindestens einen Scope aus oder erlauben Sie alle Scopes.')
  })

  it('show their secret once, are in the list with what they are, and archived with what that stops', async () => {
    const added = await add({ name: 'Rechnungen', policy: 'none' })
    expect(wordsOf(added)).toContain('Rechnungen wurde hinzugefügt')
    expect(wordsOf(added)).toContain('Kopieren Sie das Secret jetzt.')
    const client = { clientId: copyableOf(added, 'Client-ID'), clientSecret: copyableOf(added, 'Client-Secret') }
    const list = wordsOf(await admin.visit('/applications'))
    expect(list).toMatch(
      /Rechnungen Anwendung für sich selbst .*Aktiv nie vor|Rechnungen Anwendung für sich selbst .*Aktiv nie gerade eben/,
    )
    const path = `/applications/${client.clientId}`
    const stopsAt = async (address: string) => wordsOf(await admin.visit(address))
    expect(await stopsAt(`${path}/archive`)).toContain('Es werden keine Tokens widerrufen: Keines ist aktiv.')
    await server.machineToken(client)
    expect(await stopsAt(`${path}/archive`)).toContain('Es wird 1 Access-Token sofort widerrufen.')
    await server.machineToken(client)
    expect(await stopsAt(`${path}/archive`)).toContain('Es werden 2 Access-Tokens sofort widerrufen.')
    expect(await stopsAt(`${path}/key`)).toMatch(
      /das Client-Secret haben könnte\. Dann werden 2 Access-Tokens sofort widerrufen/,
    )
    const archived = await sendForm(admin, await admin.visit(`${path}/archive`), /\/archive$/)
    expect(wordsOf(archived)).toContain('Anwendung archiviert. Ihre Tokens und Zugangsdaten funktionieren nicht mehr.')
    const restored = await sendForm(admin, await admin.visit(`${path}/restore`), /\/restore$/)
    expect(wordsOf(restored)).toContain('Rechnungen wurde wiederhergestellt')
  })

  it('are archived together, after a page that counts them', async () => {
    const ids = await Promise.all(['Eins', 'Zwei'].map(async (name) => copyableOf(await add({ name }), 'Client-ID')))
    const select = (...chosen: string[]) => Object.fromEntries(chosen.map((id) => [`client.${id}`, 'on']))
    const list = await admin.visit('/applications')
    const one = await admin.post(list, '/applications/archive', select(ids[0]!))
    expect(wordsOf(one)).toMatch(
      /1 Anwendung archivieren\?.*keine aktiven Tokens, keine Aufrufer in den letzten 24 Stunden/,
    )
    const two = await admin.post(list, '/applications/archive', select(...ids))
    expect(wordsOf(two)).toContain('2 Anwendungen archivieren?')
    const none = await admin.post(list, '/applications/archive', {})
    expect(wordsOf(none)).toContain('Es wurde nichts archiviert.')
  })

  it('have a key pair beside them, whose new keys say what became of the previous ones', async () => {
    const path = '/settings/api/generate'
    const generate = async () => await sendForm(admin, await admin.visit(path), /\/generate$/)
    const first = await generate()
    expect(wordsOf(first)).toContain('Ihre neuen Schlüssel')
    const pair = { clientId: copyableOf(first, 'Client-ID'), clientSecret: copyableOf(first, 'Client-Secret') }
    await server.machineToken(pair)
    expect(wordsOf(await admin.visit(path))).toContain('1 aktives Token wird sofort widerrufen.')
    const page = await admin.visit(path)
    const none = await sendForm(admin, page, /\/generate$/, {
      'apis.https://api.keywright.example': undefined,
    })
    expect([none.status, wordsOf(none).includes('Es wurden keine Schlüssel erzeugt')]).toEqual([400, true])
    expect(wordsOf(await generate())).toContain('Ihre bisherigen Schlüssel und 1 aktives Token sind widerrufen.')
    const old = await admin.post(page, path, { replaces: pair.clientId, 'apis.https://api.keywright.example': 'on' })
    expect([old.status, wordsOf(old).includes('Ihre Schlüssel haben sich geändert')]).toEqual([412, true])
  })
})
