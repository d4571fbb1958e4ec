import type { MailSummary } from '../../../mail/mail-summary.ts'
import type { Block } from '../kit/blocks.ts'
import { badgeCell, type Fact, fact, textCell } from '../kit/cells.ts'

export const MAIL_PATH = '/settings/instance/email'

const ENCRYPTION = { TLS: 'TLS', STARTTLS: 'STARTTLS, required', none: 'none' } as const

/** How the instance sends e-mail, as far as the configuration of this node tells. */
export function mailFacts(mail: MailSummary | undefined): Fact[] {
  if (!mail) return [fact('Status', badgeCell('neutral', 'Not configured'))]
  const status = mail.server === null ? badgeCell('warning', 'Printed, not sent') : badgeCell('success', 'Enabled')
  return [
    fact('Status', status),
    fact('Sender', textCell(mail.from)),
    ...(mail.server === null
      ? []
      : [
          fact('SMTP server', textCell(mail.server)),
          fact('Encryption', textCell(ENCRYPTION[mail.encryption])),
          fact('DKIM', textCell(mail.hasDkim ? 'messages are signed' : 'not signed by Keywright')),
        ]),
  ]
}

export function mailLead(mail: MailSummary | undefined): string {
  if (!mail) {
    return 'Keywright sends no email: admins hand over invitations and one-time passwords themselves. To send email, set SMTP_URL and MAIL_FROM for the server.'
  }
  return mail.server === null
    ? 'MAIL=console prints messages to the standard output of the server. Use this for development only.'
    : 'Invitations, links for new passwords, and notices are sent by email.'
}

/** On the page of the settings. */
export const mailBlock = (mail: MailSummary | undefined): Block => ({
  part: 'facts',
  heading: 'Email',
  lead: mailLead(mail),
  actions: [{ href: MAIL_PATH, label: 'View messages' }],
  facts: mailFacts(mail),
})
