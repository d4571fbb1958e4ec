import { createUserWithoutPassword } from '../../src/accounts/users.ts'
import { LANGUAGE_CODES } from '../../src/languages/languages.ts'
import { LEAK_KINDS } from '../../src/leaks/leak-patterns.ts'
import { createLink } from '../../src/mail/mail-links.ts'
import { MESSAGE_KIND_NAMES, MESSAGE_KINDS, type MessageKindName } from '../../src/mail/message-kinds.ts'
import { NOTICE_KINDS } from '../../src/mail/notice-kinds.ts'
import type { NoticeParameters } from '../../src/mail/notice-texts.ts'
import { addMessage } from '../../src/mail/outbox.ts'
import type { Nodes } from '../support/nodes.ts'

/** Kinds by the ids of their messages. */
export type Added = ReadonlyMap<string, MessageKindName>

/**
 * Adds one message of every kind to the outbox, each to an address of its own and in one of the languages.
 * @param round makes the addresses unique
 */
export async function addMessageOfEachKind({ knex, make }: Nodes, round: number): Promise<Added> {
  const added = new Map<string, MessageKindName>()
  for (const [n, kind] of MESSAGE_KIND_NAMES.entries()) {
    const email = `${kind}-${round}@example.com`
    const user = { email, role: 'member', accountId: await make.accountId() } as const
    const { id } = await createUserWithoutPassword(knex, user)
    const { purpose, sample } = MESSAGE_KINDS[kind]
    const link = purpose && { linkId: await createLink(knex, { purpose, userId: id, email }) }
    const to = { id, email, accountId: user.accountId }
    const pageLanguage = LANGUAGE_CODES[(n + round) % LANGUAGE_CODES.length]
    added.set(await addMessage(knex, { kind, to, parameters: sample as never, pageLanguage, ...link }), kind)
  }
  return added
}

const noticeOf = (kind: keyof typeof NOTICE_KINDS, change: Partial<NoticeParameters>): [MessageKindName, object] => [
  kind,
  { ...NOTICE_KINDS[kind].sample, ...change },
]

/** Every text that a message of some kind can have. */
export const EVERY_TEXT: readonly (readonly [MessageKindName, object])[] = [
  ...MESSAGE_KIND_NAMES.map((kind) => [kind, MESSAGE_KINDS[kind].sample] as const),
  ['invitation', { account: null }],
  ...['operator', 'program'].map((by) => noticeOf('one_time_password', { by })),
  ...[...NOTICE_KINDS.factor_changed.notice.actions, 'user.factor_renamed'].flatMap((action) =>
    ['passkey', 'totp'].map((factor) => noticeOf('factor_changed', { action, detail: { factor } })),
  ),
  ...NOTICE_KINDS.identity_changed.notice.actions.map((action) =>
    noticeOf('identity_changed', { action, detail: { provider: 'Acme' } }),
  ),
  ...['operator', 'admin', 'member', 'auditor'].map((to) =>
    noticeOf('role_changed', { detail: { changes: { role: { to } } } }),
  ),
  noticeOf('key_pair_generated', { detail: { replaced: 'kwc_0' } }),
  ...[1, 2, 90].map((days) => noticeOf('secret_expires', { detail: { days } })),
  noticeOf('secret_expires', { client: null }),
  ...['key', 'certificate', 'trust'].flatMap((kind) => [
    noticeOf('secret_generated', { detail: { kind } }),
    ...[1, 2, 90].map((days) => noticeOf('secret_expires', { detail: { kind, days } })),
  ]),
  ...[...LEAK_KINDS, 'cookie'].map((kind) => noticeOf('leak_reported', { detail: { kind } })),
]
