import { createPrivateKey, X509Certificate } from 'node:crypto'
import { emailError, normalizedEmail } from '../shared/email-addresses.ts'
import { nameError } from '../shared/names.ts'
import { oneOf, SettingError, setting } from './setting.ts'

/** The SMTP server that messages are sent through. */
export interface SmtpServer {
  readonly host: string
  readonly port: number
  /** TLS from the first byte (`smtps`); otherwise STARTTLS. */
  readonly secure: boolean
  readonly user?: string
  readonly password?: string
}

/** The sender of all messages. */
export interface MailSender {
  readonly address: string
  /** Absent: the name of the instance. */
  readonly name?: string
}

const SMTP_FORM =
  'must be smtp://user:password@host:587 or smtps://user:password@host:465, with special characters of the user name and the password percent-encoded (@ as %40, / as %2F)'

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text) || undefined
  } catch {
    throw new SettingError(SMTP_FORM)
  }
}

/** The host of a URL; an IPv6 address without its brackets. */
const hostOf = (url: URL): string => decodeURIComponent(url.hostname).replace(/^\[(.*)\]$/, '$1')

function smtpServer(value: string): SmtpServer {
  const url = URL.parse(value)
  const isPlain = url && ['', '/'].includes(url.pathname) && !url.search && !url.hash
  if (!isPlain || !/^smtps?:$/.test(url.protocol) || url.hostname === '') throw new SettingError(SMTP_FORM)
  const secure = url.protocol === 'smtps:'
  const [user, password] = [decoded(url.username), decoded(url.password)]
  if ((user === undefined) !== (password === undefined)) {
    throw new SettingError('must have both a user name and a password, or neither')
  }
  const port = url.port ? Number(url.port) : secure ? 465 : 587
  if (port === 0) throw new SettingError('must have a port from 1 to 65535')
  return { host: hostOf(url), port, secure, ...(user !== undefined && { user, password: password! }) }
}

const SENDER_FORM = 'must be an address, such as auth@example.com or Example Login <auth@example.com>'

/** The name in front of `<address>`, without its quotes, and the address. */
function senderParts(value: string): { name: string; typed: string } {
  const text = value.trim()
  const bracket = text.indexOf('<')
  if (bracket < 0 || !text.endsWith('>')) return { name: '', typed: text }
  const name = text.slice(0, bracket).trim()
  const isQuoted = name.length > 1 && name.startsWith('"') && name.endsWith('"')
  return { name: isQuoted ? name.slice(1, -1) : name, typed: text.slice(bracket + 1, -1) }
}

const isSenderName = (name: string): boolean => name === '' || !(/["<>]/.test(name) || nameError('a name', name, 60))

/** Commas and brackets in an address are more likely a list of addresses. */
const isSenderAddress = (typed: string): boolean => emailError(typed) === undefined && !/[,;<>"]/.test(typed)

function mailSender(value: string): MailSender {
  const { name, typed } = senderParts(value)
  if (!isSenderAddress(typed) || !isSenderName(name)) throw new SettingError(SENDER_FORM)
  return { address: normalizedEmail(typed)!, ...(name !== '' && { name }) }
}

/** PEM in one line, as some environments need it, has `\n` for line ends. */
const withLineEnds = (value: string): string => value.replaceAll('\\n', '\n')

function privateKey(value: string): string {
  const pem = withLineEnds(value)
  try {
    createPrivateKey(pem)
    return pem
  } catch {
    throw new SettingError('must be a private key in PEM without a passphrase')
  }
}

function certificates(value: string): string {
  const pem = withLineEnds(value)
  try {
    new X509Certificate(pem)
    return pem
  } catch {
    throw new SettingError('must be one or more certificates in PEM')
  }
}

function dnsName(value: string): string {
  if (!/^[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*$/i.test(value)) throw new SettingError('must be a DNS name')
  return value.toLowerCase()
}

/** The settings of e-mail. `mail-config.ts` checks that they fit together. */
export const MAIL_SETTINGS = {
  SMTP_URL: setting({
    parse: smtpServer,
    secret: true,
    doc: 'The server that sends e-mail ([how to set it up](operating/email.md)), as `smtp://user:password@host:587` (STARTTLS) or `smtps://user:password@host:465` (TLS). Unset: Keywright sends no e-mail.',
  }),
  SMTP_TLS: setting({
    parse: oneOf('required', 'off'),
    default: 'required',
    doc: 'Whether a connection of `smtp://` must be encrypted with STARTTLS before anything is sent. `off` sends passwords and links in clear: only for a server on this machine.',
  }),
  SMTP_CA: setting({
    parse: certificates,
    doc: 'The certificates (PEM) of the authorities that may have signed the certificate of the SMTP server; with `SMTP_CA_FILE`, the path of their file. Unset: those of Node.js.',
  }),
  MAIL_FROM: setting({
    parse: mailSender,
    doc: 'The sender of all messages: `auth@example.com` or `Example Login <auth@example.com>`. Without a name, messages have the name of the instance. Required with `SMTP_URL`.',
  }),
  MAIL: setting({
    parse: oneOf('smtp', 'console'),
    default: 'smtp',
    doc: '`console` prints messages to standard output instead of sending them, with their links: only for development.',
  }),
  DKIM_SELECTOR: setting({
    parse: dnsName,
    doc: 'Signs messages with DKIM for the domain of `MAIL_FROM`: the selector whose DNS record holds the public key. Unset: the SMTP server signs, or nobody.',
  }),
  DKIM_PRIVATE_KEY: setting({
    parse: privateKey,
    secret: true,
    doc: 'The private key (PEM) that signs messages. Required with `DKIM_SELECTOR`.',
  }),
}
