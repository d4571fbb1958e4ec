import type { MailConfig } from '../config/mail-config.ts'

/** How this process sends e-mail, without secrets. */
export interface MailSummary {
  /** The address, with the name where the configuration has one. */
  readonly from: string
  /** `smtp.example.com:587`; null: messages are printed, for development. */
  readonly server: string | null
  readonly encryption: 'TLS' | 'STARTTLS' | 'none'
  readonly hasDkim: boolean
}

const encryptionOf = ({ smtp }: MailConfig): MailSummary['encryption'] => {
  if (smtp?.secure) return 'TLS'
  return smtp?.requireTls ? 'STARTTLS' : 'none'
}

/** Undefined: Keywright sends no e-mail. */
export function mailSummary(config: MailConfig | undefined): MailSummary | undefined {
  if (!config) return undefined
  const { from, smtp } = config
  return {
    from: from.name === undefined ? from.address : `${from.name} <${from.address}>`,
    server: smtp ? `${smtp.host}:${smtp.port}` : null,
    encryption: encryptionOf(config),
    hasDkim: smtp?.dkim !== undefined,
  }
}
