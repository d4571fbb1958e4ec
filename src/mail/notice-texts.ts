import type { MessageKey } from '../languages/translator.ts'
import type { MessageContent, MessageContext } from './message-declaration.ts'

/** What a notice knows of its event. */
export interface NoticeParameters {
  readonly action: string
  /** ISO 8601. */
  readonly at: string
  /** The address of a user of the same account, `operator` or `program`; null: the recipient. */
  readonly by: string | null
  /** The network address of the recipient's own request. */
  readonly ip: string | null
  /** The name of the client that the event is about. */
  readonly client: string | null
  /** The ID of the client that the event is about. */
  readonly clientId: string | null
  /** Of the event. */
  readonly detail: Readonly<Record<string, unknown>>
}

type Facts = NonNullable<MessageContent['facts']>

/** Who caused an event, where it is no address. */
const ACTORS: Readonly<Record<string, MessageKey>> = { operator: 'mail.operator', program: 'mail.program' }

function actorText(by: string, { t }: MessageContext): string {
  const key = ACTORS[by]
  return key ? t(key) : by
}

export function factsOf({ at, by, ip, client, clientId }: NoticeParameters, context: MessageContext): Facts {
  const { t } = context
  return [
    [t('mail.time'), t.time(new Date(at))],
    ...(by === null ? [] : [[t('mail.by'), actorText(by, context)] as const]),
    ...(ip === null ? [] : [[t('mail.ipAddress'), ip] as const]),
    ...(client === null ? [] : [[t('mail.client'), client] as const]),
    ...(clientId === null ? [] : [[t('mail.clientId'), clientId] as const]),
  ]
}

export const newPassword = ({ t, url }: MessageContext) => ({
  label: t('mail.chooseNewPassword'),
  url: url('/password/forgot'),
})

const clientPath = ({ clientId }: NoticeParameters): string =>
  clientId === null ? '/applications' : `/applications?search=${encodeURIComponent(clientId)}`

export const toClient = (parameters: NoticeParameters, { t, url }: MessageContext) => ({
  label: t('mail.viewClient'),
  url: url(clientPath(parameters)),
})

/** The client in a sentence: its name, while it exists. */
export const clientOf = ({ client, clientId }: NoticeParameters): string => client ?? clientId ?? '–'

const ROLES: Readonly<Record<string, MessageKey>> = {
  operator: 'mail.roleChanged.operator',
  admin: 'mail.roleChanged.admin',
  developer: 'mail.roleChanged.developer',
  viewer: 'mail.roleChanged.viewer',
  member: 'mail.roleChanged.member',
}

export function newRole({ changes }: NoticeParameters['detail']): MessageKey {
  const role = (changes as { role?: { to?: unknown } } | undefined)?.role?.to
  return ROLES[String(role)] ?? 'mail.roleChanged.other'
}

/** Of a passkey and of an authenticator app. */
const FACTOR_CHANGES: Readonly<Record<string, readonly [MessageKey, MessageKey]>> = {
  'user.factor_added': ['mail.factorChanged.passkeyAdded', 'mail.factorChanged.appAdded'],
  'user.factor_removed': ['mail.factorChanged.passkeyRemoved', 'mail.factorChanged.appRemoved'],
  'user.factors_reset': ['mail.factorChanged.reset', 'mail.factorChanged.reset'],
  'user.recovery_codes_generated': ['mail.factorChanged.codesGenerated', 'mail.factorChanged.codesGenerated'],
  'user.recovery_code_used': ['mail.factorChanged.codeUsed', 'mail.factorChanged.codeUsed'],
}

export const FACTOR_ACTIONS: readonly string[] = Object.keys(FACTOR_CHANGES)

export function factorChange({ action, detail }: NoticeParameters): MessageKey {
  const [ofPasskey, ofApp] = FACTOR_CHANGES[action] ?? ['mail.factorChanged.other', 'mail.factorChanged.other']
  return detail.factor === 'passkey' ? ofPasskey : ofApp
}

const LEAKED: Readonly<Record<string, MessageKey>> = {
  client_secret: 'mail.leak.clientSecret',
  api_key: 'mail.leak.apiKey',
  access_token: 'mail.leak.accessToken',
  refresh_token: 'mail.leak.refreshToken',
}

export const leaked = ({ kind }: NoticeParameters['detail']): MessageKey => LEAKED[String(kind)] ?? 'mail.leak.other'
