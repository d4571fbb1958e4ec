/** The activity log in German: a sentence for every action. */
import { expect, test } from 'vitest'
import { AUDIT_ACTIONS } from '../../../src/audit/audit-actions.ts'
import type { AuditRecord } from '../../../src/audit/audit-records.ts'
import { toConsoleEnglish, translateConsoleTo } from '../../../src/languages/console/console-translator.ts'
import { languageOf } from '../../../src/languages/languages.ts'
import { OPERATOR_ACTION_KINDS } from '../../../src/web/console/activity/action-kinds.ts'
import { sentenceOf } from '../../../src/web/console/activity/activity-row.ts'
import { actionText } from '../../../src/web/console/activity/activity-texts.ts'

const english = toConsoleEnglish()
const german = translateConsoleTo(languageOf('de')!)

const ADA = '01a22813-0000-7000-8000-000000000001'
const BOB = '01a22813-0000-7000-8000-000000000002'

const NAMES = { actor: 'Ada', target: 'Bob' }

const recordOf = (action: string, detail: object = {}, targetId = BOB): AuditRecord =>
  ({
    action,
    actor: { type: 'user', id: ADA, label: 'Ada' },
    target: { type: 'user', id: targetId, label: targetId === ADA ? 'Ada' : 'Bob' },
    detail,
  }) as AuditRecord

/** Of another user, and of the actor. */
test.each(AUDIT_ACTIONS.flatMap((action) => [[action, BOB] as const, [action, ADA] as const]))(
  'has a German sentence for %s of %s',
  (action, targetId) => {
    const record = recordOf(action, { name: 'Shop', days: 7, count: 2 }, targetId)
    const sentence = actionText(german, record, NAMES)
    expect(sentence).toMatch(/^Ada (hat|konnte|wurde) /)
    expect(sentence).not.toBe(actionText(english, record, NAMES))
    // The same names and numbers.
    const factsOf = (text: string) => text.match(/Ada|Bob|Shop|\d+/g)?.sort()
    expect(factsOf(sentence)).toEqual(factsOf(actionText(english, record, NAMES)))
  },
)

test.each([
  ['user.created', { role: 'admin' }, 'Ada hat Bob als Administrator hinzugefügt'],
  ['user.created', { role: 'unknown' }, 'Ada hat Bob als Benutzer hinzugefügt'],
  ['user.role_changed', { changes: { role: { to: 'operator' } } }, 'Ada hat Bob die Rolle Betreiber gegeben'],
  ['user.factor_added', { factor: 'passkey' }, 'Ada hat für Bob einen Passkey hinzugefügt'],
  ['leak.reported', { kind: 'api_key' }, 'Ada hat einen kompromittierten API-Schlüssel von Bob gemeldet'],
  ['client.secret_expires', { days: 1 }, 'Ada hat festgestellt, dass ein Client-Secret von Bob in 1 Tag abläuft'],
  ['client.secret_expires', { days: 30 }, 'Ada hat festgestellt, dass ein Client-Secret von Bob in 30 Tagen abläuft'],
  [
    'client.secret_expires',
    { days: 2, kind: 'certificate' },
    'Ada hat festgestellt, dass ein Zertifikat von Bob in 2 Tagen abläuft',
  ],
  ['client.secret_rotated', { overlap: 0 }, 'Ada hat ein neues Client-Secret für Bob erzeugt'],
  ['client.secret_rotated', { kind: 'key' }, 'Ada hat die öffentlichen Schlüssel von Bob ersetzt'],
  // As earlier versions recorded it.
  ['client.secret_rotated', { auth_method: 'tls_client_auth' }, 'Ada hat das Zertifikat von Bob ersetzt'],
  [
    'client.secret_rotated',
    { jwks_uri: 'https://a.example.com' },
    'Ada hat die öffentlichen Schlüssel von Bob ersetzt',
  ],
  [
    'client.secret_retired',
    { secrets: [{ kind: 'key' }] },
    'Ada hat einen öffentlichen Schlüssel von Bob zurückgezogen',
  ],
  [
    'client.secret_retirement_planned',
    { kind: 'trust' },
    'Ada hat geändert, wann eine vorherige Vertrauensstellung von Bob zurückgezogen wird',
  ],
  [
    'client.legacy_option_used',
    { kind: 'query_credentials', count: 1 },
    'Ada hat festgestellt, dass Bob einmal ein Client-Secret in Query-Parametern verwendet hat',
  ],
  [
    'client.legacy_option_used',
    { kind: 'query_credentials', count: 1200 },
    'Ada hat festgestellt, dass Bob 1.200-mal ein Client-Secret in Query-Parametern verwendet hat',
  ],
  [
    'user.sign_in_refused',
    { passkey: 'p1', reason: 'inactive' },
    'Ada wollte sich mit einem Passkey als Bob anmelden, darf sich aber nicht anmelden',
  ],
  [
    'user.second_factor_refused',
    { factor: 'passkey', reason: 'counter' },
    'Ada hat das Passwort von Bob eingegeben, konnte es aber nicht mit einem Passkey bestätigen: Der Zähler des Passkeys ist zurückgegangen, der Passkey ist möglicherweise eine Kopie',
  ],
  [
    'user.sign_in_slowed',
    { passkey: 'p1' },
    'Ada hat bei der Anmeldung als Bob mit einem Passkey die Ratenbegrenzung überschritten',
  ],
  [
    'webhook.disabled',
    { reason: 'gone' },
    'Ada hat den Webhook Bob deaktiviert, weil der Empfänger mit 410 Gone geantwortet hat',
  ],
  ['webhook.disabled', { reason: 'by_user' }, 'Ada hat den Webhook Bob deaktiviert'],
  ['webhook.deleted', { name: 'Orders' }, 'Ada hat den Webhook „Orders“ (Bob) gelöscht'],
])('says of %s with %j: %s', (action, detail, text) => {
  expect(actionText(german, recordOf(action, detail), NAMES)).toBe(text)
})

test('links the names wherever they stand in a German sentence', () => {
  expect(sentenceOf(german, recordOf('user.created', { role: 'admin' }), { role: 'operator' })).toEqual([
    { text: 'Ada', isName: true, href: `/users/${ADA}` },
    { text: ' hat ' },
    { text: 'Bob', isName: true, href: `/users/${BOB}` },
    { text: ' als Administrator hinzugefügt' },
  ])
})

test('names a key pair and its owner in German', () => {
  const record = {
    ...recordOf('key_pair.stopped'),
    target: { type: 'client', id: 'kp_1', label: 'Billing: key pair of bob@example.com' },
    targetKind: 'key_pair',
  } as AuditRecord
  const textOf = (t: typeof german) =>
    sentenceOf(t, record, { role: 'operator' })
      .map(({ text }) => text)
      .join('')
  expect(textOf(german)).toBe('Ada hat Billing: Schlüsselpaar von bob@example.com gestoppt')
  expect(textOf(english)).toBe('Ada stopped the key pair Billing: key pair of bob@example.com')
})

test('offers German filters', () => {
  for (const { label } of OPERATOR_ACTION_KINDS) expect(german(label)).not.toBe('')
  expect(OPERATOR_ACTION_KINDS.map(({ label }) => german(label))).toContain('Wiederverwendete Autorisierungscodes')
})
