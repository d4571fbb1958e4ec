import type { ConsoleText } from '../../../languages/console/console-text.ts'
import type { ConsoleTranslate } from '../../../languages/console/console-translator.ts'
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
import type { Badge, PageLink } from '../kit/console-page.ts'
import type { ConsoleCall, ConsoleRoute } from '../kit/console-route.ts'
import { type Filter, listView } from '../kit/list-page.ts'
import { confirmPage } from '../kit/panels.ts'
import { choiceIn, pageIn } from '../kit/query-fields.ts'
import { MAIL_PATH, mailFacts, mailLead } from './mail-block.ts'
import { MAIL_PREVIEW_PATH, showMailHtml, showMailPreview } from './mail-preview-page.ts'

const settingsLink = (t: ConsoleTranslate): PageLink => ({ href: '/settings/instance', label: t('Settings') })

const breadcrumbsOf = (t: ConsoleTranslate): PageLink[] => [settingsLink(t), { href: MAIL_PATH, label: t('Email') }]

const STATUSES: Readonly<Record<MessageStatus, readonly [Badge['tone'], ConsoleText]>> = {
  queued: ['neutral', 'Queued'],
  sent: ['success', 'Sent'],
  failed: ['error', 'Failed'],
}

function statusCell(t: ConsoleTranslate, { status, attempts }: MailMessage): Cell {
  if (status === 'queued' && attempts > 0) return badgeCell('warning', t('Retrying'))
  const [tone, text] = STATUSES[status]
  return badgeCell(tone, t(text))
}

const sendAgainPath = ({ id }: MailMessage): string => `${MAIL_PATH}/messages/${id}/send-again`

function actionCell(t: ConsoleTranslate, message: MailMessage): Cell {
  if (message.status !== 'failed') return quietCell('')
  const of = t('{message} to {recipient}', {
    message: t.declared(messageLabel(message.kind)),
    recipient: message.recipient,
  })
  return actionsCell({ label: t('Send again'), href: sendAgainPath(message), of })
}

const rowOf = (t: ConsoleTranslate, message: MailMessage): Cell[] => [
  linkCell(message.recipient, `/users/${message.userId}`),
  textCell(t.declared(messageLabel(message.kind)), message.error ?? undefined),
  statusCell(t, message),
  timeCell(message.createdAt),
  actionCell(t, message),
]

const templatesBlock = (t: ConsoleTranslate): Block => ({
  part: 'list',
  heading: t('Templates'),
  list: listView({
    caption: t('Templates'),
    columns: [{ heading: t('Message') }, { heading: t('Sent when'), sentences: true }],
    rows: MESSAGE_KIND_NAMES.map((name) => [
      linkCell(t.declared(MESSAGE_KINDS[name].label), `${MAIL_PREVIEW_PATH}?kind=${name}`),
      textCell(t.declared(MESSAGE_KINDS[name].cause)),
    ]),
    empty: { title: t('No templates'), text: '' },
  }),
})

const statusFilter = (t: ConsoleTranslate): Filter => ({
  name: 'status',
  label: t('Status'),
  choices: [
    { value: '', label: t('All statuses') },
    ...MESSAGE_STATUSES.map((status) => ({ value: status, label: t(STATUSES[status][1]) })),
  ],
})

async function messagesBlock({ t, management, who, query }: ConsoleCall): Promise<Block> {
  const status = choiceIn(query, 'status', MESSAGE_STATUSES)
  const { items, ...part } = await listMailMessages(management, who, { status, ...pageIn(query) })
  return {
    part: 'list',
    heading: t('Messages'),
    lead: t('Messages of the last 30 days. The content of a message is deleted when it was sent.'),
    list: listView({
      caption: t('Messages'),
      columns: [
        { heading: t('Recipient') },
        { heading: t('Message') },
        { heading: t('Status'), short: true },
        { heading: t('Created') },
        { heading: t('Actions'), hiddenHeading: true },
      ],
      rows: items.map((message) => rowOf(t, message)),
      empty: { title: t('No messages yet'), text: t('Invitations and links for new passwords appear here.') },
      search: { path: MAIL_PATH, query, filters: [statusFilter(t)] },
      page: part,
      isLog: true,
    }),
  }
}

async function showMail(call: ConsoleCall): Promise<void> {
  const { t } = call
  const { mail } = call.management
  const head = {
    title: t('Email'),
    lead: mailLead(t, mail),
    breadcrumbs: [settingsLink(t)],
    actions: mail ? [{ href: `${MAIL_PATH}/test`, label: t('Send test email…') }] : [],
    notices: {
      again: t('The message is sent again.'),
      test: t('Test email queued. Its status appears below in a few seconds.'),
    },
  }
  const facts: Block = { part: 'facts', heading: t('Configuration'), facts: mailFacts(t, mail) }
  call.show(blocksPage(head, [facts, await messagesBlock(call), templatesBlock(t)]))
}

async function askSendAgain({ t, management, who, params, show }: ConsoleCall): Promise<void> {
  const message = await readMailMessage(management, who, { messageId: params.messageId! })
  const page = confirmPage({
    title: t('Send this message again?'),
    breadcrumbs: breadcrumbsOf(t),
    facts: [
      fact(t('Recipient'), textCell(message.recipient)),
      fact(t('Message'), textCell(t.declared(messageLabel(message.kind)))),
      fact(t('Last error'), message.error === null ? quietCell(t('no error')) : textCell(message.error)),
    ],
    stops: [t('The message is sent within a few seconds.'), t('Its link works as long as that of a new message.')],
    harmless: true,
    action: sendAgainPath(message),
    submit: t('Send again'),
    keep: { href: MAIL_PATH, label: t('Cancel') },
  })
  show(page)
}

async function sendAgain({ management, who, params, goTo }: ConsoleCall): Promise<void> {
  await sendMailAgain(management, who, { messageId: params.messageId! })
  goTo(`${MAIL_PATH}?notice=again`)
}

async function askTest({ t, user, show }: ConsoleCall): Promise<void> {
  const page = confirmPage({
    title: t('Send a test email?'),
    breadcrumbs: breadcrumbsOf(t),
    stops: [t('{email} receives a message.', { email: user.email })],
    harmless: true,
    action: `${MAIL_PATH}/test`,
    submit: t('Send test email'),
    keep: { href: MAIL_PATH, label: t('Cancel') },
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
