import { createUserWithoutPassword } from '../../src/accounts/users.ts'
import { createLink } from '../../src/mail/mail-links.ts'
import { MESSAGE_KIND_NAMES, MESSAGE_KINDS, type MessageKindName } from '../../src/mail/message-kinds.ts'
import { addMessage } from '../../src/mail/outbox.ts'
import type { Nodes } from '../support/nodes.ts'

/** Kinds by the ids of their messages. */
export type Added = ReadonlyMap<string, MessageKindName>

/** Adds one message of every kind to the outbox, each to an address of its own. @param round makes the addresses unique */
export async function addMessageOfEachKind({ knex, make }: Nodes, round: number): Promise<Added> {
  const added = new Map<string, MessageKindName>()
  for (const kind of MESSAGE_KIND_NAMES) {
    const email = `${kind}-${round}@example.com`
    const user = { email, role: 'member', accountId: await make.accountId() } as const
    const { id } = await createUserWithoutPassword(knex, user)
    const { purpose, sample } = MESSAGE_KINDS[kind]
    const link = purpose && { linkId: await createLink(knex, { purpose, userId: id, email }) }
    const to = { id, email, accountId: user.accountId }
    added.set(await addMessage(knex, { kind, to, parameters: sample as never, ...link }), kind)
  }
  return added
}
