import type { SmtpConfig } from '../config/mail-config.ts'
import { withoutSecrets } from '../shared/secrets.ts'
import { DeliveryError, type MailTransport, type OutgoingMessage } from './mail-transport.ts'

/** Milliseconds. One message takes at most the time that `MailDelivery` gives it, whatever these are. */
const TIMEOUTS = { dnsTimeout: 5000, connectionTimeout: 10_000, greetingTimeout: 10_000, socketTimeout: 20_000 }

export const MAX_CONNECTIONS = 5

/** The part of nodemailer's errors that tells what went wrong. */
interface SmtpError extends Error {
  code?: string
  command?: string
  responseCode?: number
  /** The server answered with 5xx. */
  permanent?: boolean
}

/** A rejection of the sign-in or of the sender concerns all messages: an operator mends it, and they are sent then. */
const ABOUT_THE_MESSAGE = new Set(['RCPT TO', 'DATA'])

function isFinal({ code, command, responseCode, permanent }: SmtpError): boolean {
  if (responseCode !== undefined) return permanent === true && ABOUT_THE_MESSAGE.has(command ?? '')
  // An address that the SMTP client itself rejects, or that needs an extension which the server does not have.
  return code === 'EENVELOPE'
}

/** Characters of a stored error. */
const LONGEST_ERROR = 300

const toDeliveryError = (error: SmtpError): DeliveryError =>
  new DeliveryError(withoutSecrets(error.message, LONGEST_ERROR), isFinal(error), { cause: error })

function optionsOf({ host, port, secure, user, password, requireTls, ca, dkim }: SmtpConfig) {
  return {
    host,
    port,
    secure,
    requireTLS: !secure && requireTls,
    ignoreTLS: !secure && !requireTls,
    tls: { minVersion: 'TLSv1.2' as const, ...(ca !== undefined && { ca }) },
    ...(user !== undefined && { auth: { user, pass: password } }),
    ...(dkim && { dkim: { domainName: dkim.domain, keySelector: dkim.selector, privateKey: dkim.privateKey } }),
    ...TIMEOUTS,
    pool: true as const,
    maxConnections: MAX_CONNECTIONS,
    // A connection that the server closes between two messages is replaced once; a further attempt is the outbox's.
    maxRequeues: 1,
    disableFileAccess: true,
    disableUrlAccess: true,
  }
}

const domainOf = (address: string): string => address.slice(address.lastIndexOf('@') + 1)

/** Addresses are objects: as a text, an address with a comma would be two. */
const toMail = ({ id, date, from, to, language, subject, text, html }: OutgoingMessage) => ({
  messageId: `<${id}@${domainOf(from.address)}>`,
  date,
  from: { name: from.name, address: from.address },
  to: { name: '', address: to },
  subject,
  text,
  html,
  headers: {
    // RFC 3282.
    'Content-Language': language,
    // Neither an absence notice nor another program answers (RFC 3834).
    'Auto-Submitted': 'auto-generated',
    'X-Auto-Response-Suppress': 'All',
  },
})

/** Sends through an SMTP server, over a few connections that stay open for a while. */
export async function createSmtpTransport(config: SmtpConfig): Promise<MailTransport> {
  const { createTransport } = await import('nodemailer')
  const transporter = createTransport(optionsOf(config))
  return {
    async send(message, signal) {
      try {
        await transporter.sendMail({ ...toMail(message), signal })
      } catch (error) {
        if (signal.aborted) throw new DeliveryError('the SMTP server did not accept the message in time', false)
        throw toDeliveryError(error as SmtpError)
      }
    },
    close: () => transporter.close(),
  }
}
