import type { MailSender, SmtpServer } from './mail-settings.ts'

export interface Dkim {
  readonly domain: string
  readonly selector: string
  /** PEM. */
  readonly privateKey: string
}

export interface SmtpConfig extends SmtpServer {
  /** Whether a connection without TLS is refused. */
  readonly requireTls: boolean
  /** PEM; absent: the authorities of Node.js. */
  readonly ca?: string
  readonly dkim?: Dkim
}

/** How messages are sent. */
export interface MailConfig {
  readonly from: MailSender
  /** Absent: messages are printed to standard output, for development. */
  readonly smtp?: SmtpConfig
}

interface MailValues {
  readonly SMTP_URL?: SmtpServer | undefined
  readonly SMTP_TLS: 'required' | 'off'
  readonly SMTP_CA?: string | undefined
  readonly MAIL_FROM?: MailSender | undefined
  readonly MAIL: 'smtp' | 'console'
  readonly DKIM_SELECTOR?: string | undefined
  readonly DKIM_PRIVATE_KEY?: string | undefined
}

const CONSOLE_SENDER: MailSender = { address: 'keywright@localhost' }

/** A setting whose text has errors has no value: about it nothing more is said. */
const isNamed = (errors: readonly string[], name: string): boolean => errors.some((error) => error.startsWith(name))

/** What is wrong with the settings together. */
function conflictsOf(values: MailValues, errors: readonly string[]): string[] {
  const { SMTP_URL, MAIL_FROM, MAIL, DKIM_SELECTOR, DKIM_PRIVATE_KEY } = values
  const found: string[] = []
  if (SMTP_URL && MAIL === 'console') found.push('MAIL: console and SMTP_URL are both set; keep one')
  if (SMTP_URL && !MAIL_FROM && !isNamed(errors, 'MAIL_FROM')) found.push('MAIL_FROM: required with SMTP_URL')
  if ((DKIM_SELECTOR === undefined) !== (DKIM_PRIVATE_KEY === undefined) && !isNamed(errors, 'DKIM_')) {
    found.push('DKIM_SELECTOR and DKIM_PRIVATE_KEY: set both, or neither')
  }
  return found
}

const domainOf = ({ address }: MailSender): string => address.slice(address.lastIndexOf('@') + 1)

function smtpOf(values: MailValues, server: SmtpServer, from: MailSender): SmtpConfig {
  const { SMTP_TLS, SMTP_CA, DKIM_SELECTOR: selector, DKIM_PRIVATE_KEY: privateKey } = values
  return {
    ...server,
    requireTls: SMTP_TLS === 'required',
    ...(SMTP_CA !== undefined && { ca: SMTP_CA }),
    ...(selector !== undefined &&
      privateKey !== undefined && { dkim: { domain: domainOf(from), selector, privateKey } }),
  }
}

/** How e-mail is sent; undefined: not at all. Adds to `errors` what is wrong with the settings together. */
export function mailConfigOf(values: MailValues, errors: string[]): MailConfig | undefined {
  errors.push(...conflictsOf(values, errors))
  const { SMTP_URL, MAIL_FROM, MAIL } = values
  if (MAIL === 'console') return { from: MAIL_FROM ?? CONSOLE_SENDER }
  return SMTP_URL && MAIL_FROM ? { from: MAIL_FROM, smtp: smtpOf(values, SMTP_URL, MAIL_FROM) } : undefined
}
