import { MESSAGE_KIND_NAMES, MESSAGE_KINDS } from '../../../mail/message-kinds.ts'
import {
  listMailMessages,
  type MailMessage,
  MESSAGE_STATUSES,
  type MessageStatus,
  messageLabel,
  readMailMessage,
  sendMailAgain,
  sendTestMail,
} from '../../../management/mail-operations.ts'
import type { Block } from '../kit/blocks.ts'
import { blocksPage } from '../kit/blocks.ts'
import { actionsCell, badgeCell, type Cell, fact, linkCell, quietCell, textCell, timeCell } from '../kit/cells.ts'
import type { Badge } from '../kit/console-page.ts'
import type { ConsoleCall, ConsoleRoute } from '../kit/console-route.ts'
import { listView } from '../kit/list-page.ts'
import { confirmPage } from '../kit/panels.ts'
import { choiceIn, pageIn } from '../kit/query-fields.ts'
import { MAIL_PATH, mailFacts, mailLead } from './mail-block.ts'
import { MAIL_PREVIEW_PATH, showMailHtml, showMailPreview } from './mail-preview-page.ts'

const SETTINGS = { href: '/settings/instance', label: 'Settings' }
const EMAIL = { href: MAIL_PATH, label: 'Email' }

const STATUSES: Readonly<Record<MessageStatus, readonly [Badge['tone'], string]>> = {
  queued: ['neutral', 'Queued'],
  sent: ['success', 'Sent'],
  failed: ['error', 'Failed'],
}

const statusCell = ({ status, attempts }: MailMessage): Cell =>
  status === 'queued' && attempts > 0 ? badgeCell('warning', 'Retrying') : badgeCell(...STATUSES[status])

const sendAgainPath = ({ id }: MailMessage): string => `${MAIL_PATH}/messages/${id}/send-again`

function actionCell(message: MailMessage): Cell {
  if (message.status !== 'failed') return quietCell('')
  const of = `${messageLabel(message.kind)} to ${message.recipient}`
  return actionsCell({ label: 'Send again', href: sendAgainPath(message), of })
}

const rowOf = (message: MailMessage): Cell[] => [
  linkCell(message.recipient, `/users/${message.userId}`),
  textCell(messageLabel(message.kind), message.error ?? undefined),
  statusCell(message),
  timeCell(message.createdAt),
  actionCell(message),
]

const templatesBlock: Block = {
  part: 'list',
  heading: 'Templates',
  list: listView({
    caption: 'Templates',
    columns: [{ heading: 'Message' }, { heading: 'Sent when' }],
    rows: MESSAGE_KIND_NAMES.map((name) => [
      linkCell(MESSAGE_KINDS[name].label, `${MAIL_PREVIEW_PATH}?kind=${name}`),
      textCell(MESSAGE_KINDS[name].cause),
    ]),
    empty: { title: 'No templates', text: '' },
  }),
}

const STATUS_FILTER = {
  name: 'status',
  label: 'Status',
  choices: [
    { value: '', label: 'All statuses' },
    ...MESSAGE_STATUSES.map((status) => ({ value: status, label: STATUSES[status][1] })),
  ],
}

async function messagesBlock({ management, who, query }: ConsoleCall): Promise<Block> {
  const status = choiceIn(query, 'status', MESSAGE_STATUSES)
  const { items, ...part } = await listMailMessages(management, who, { status, ...pageIn(query) })
  return {
    part: 'list',
    heading: 'Messages',
    lead: 'Messages of the last 30 days. The content of a message is deleted when it was sent.',
    list: listView({
      caption: 'Messages',
      columns: [
        { heading: 'Recipient' },
        { heading: 'Message' },
        { heading: 'Status', short: true },
        { heading: 'Created' },
        { heading: 'Actions', hiddenHeading: true },
      ],
      rows: items.map(rowOf),
      empty: { title: 'No messages yet', text: 'Invitations and links for new passwords appear here.' },
      search: { path: MAIL_PATH, query, filters: [STATUS_FILTER] },
      page: part,
      isLog: true,
    }),
  }
}

async function showMail(call: ConsoleCall): Promise<void> {
  const { mail } = call.management
  const head = {
    title: 'Email',
    lead: mailLead(mail),
    breadcrumbs: [SETTINGS],
    actions: mail ? [{ href: `${MAIL_PATH}/test`, label: 'Send test email…' }] : [],
    notices: {
      again: 'The message is sent again.',
      test: 'Test email queued. Its status appears below in a few seconds.',
    },
  }
  const facts: Block = { part: 'facts', heading: 'Configuration', facts: mailFacts(mail) }
  call.show(blocksPage(head, [facts, await messagesBlock(call), templatesBlock]))
}

async function askSendAgain({ management, who, params, show }: ConsoleCall): Promise<void> {
  const message = await readMailMessage(management, who, { messageId: params.messageId! })
  const page = confirmPage({
    title: 'Send this message again?',
    breadcrumbs: [SETTINGS, EMAIL],
    facts: [
      fact('Recipient', textCell(message.recipient)),
      fact('Message', textCell(messageLabel(message.kind))),
      fact('Last error', message.error === null ? quietCell('none') : textCell(message.error)),
    ],
    stops: ['The message is sent within a few seconds.', 'Its link works as long as that of a new message.'],
    harmless: true,
    action: sendAgainPath(message),
    submit: 'Send again',
    keep: { href: MAIL_PATH, label: 'Cancel' },
  })
  show(page)
}

async function sendAgain({ management, who, params, goTo }: ConsoleCall): Promise<void> {
  await sendMailAgain(management, who, { messageId: params.messageId! })
  goTo(`${MAIL_PATH}?notice=again`)
}

async function askTest({ user, show }: ConsoleCall): Promise<void> {
  const page = confirmPage({
    title: 'Send a test email?',
    breadcrumbs: [SETTINGS, EMAIL],
    stops: [`${user.email} receives a message.`],
    harmless: true,
    action: `${MAIL_PATH}/test`,
    submit: 'Send test email',
    keep: { href: MAIL_PATH, label: 'Cancel' },
  })
  show(page)
}

async function sendTest({ management, who, goTo }: ConsoleCall): Promise<void> {
  await sendTestMail(management, who, {})
  goTo(`${MAIL_PATH}?notice=test`)
}

const ONE = `${MAIL_PATH}/messages/:messageId/send-again`

export const MAIL_PAGES: readonly ConsoleRoute[] = [
  { method: 'get', path: MAIL_PATH, permission: listMailMessages.permission, handle: showMail },
  { method: 'get', path: `${MAIL_PATH}/test`, permission: sendTestMail.permission, handle: askTest },
  { method: 'post', path: `${MAIL_PATH}/test`, permission: sendTestMail.permission, handle: sendTest },
  { method: 'get', path: MAIL_PREVIEW_PATH, permission: listMailMessages.permission, handle: showMailPreview },
  { method: 'get', path: `${MAIL_PREVIEW_PATH}/html`, permission: listMailMessages.permission, handle: showMailHtml },
  { method: 'get', path: ONE, permission: sendMailAgain.permission, handle: askSendAgain },
  { method: 'post', path: ONE, permission: sendMailAgain.permission, handle: sendAgain },
]
