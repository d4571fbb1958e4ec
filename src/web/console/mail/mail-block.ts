import type { ConsoleText } from '../../../languages/console/console-text.ts'
import type { ConsoleTranslate } from '../../../languages/console/console-translator.ts'
import type { MailSummary } from '../../../mail/mail-summary.ts'
import type { Block } from '../kit/blocks.ts'
import { badgeCell, type Fact, fact, textCell } from '../kit/cells.ts'

export const MAIL_PATH = '/settings/instance/email'

const ENCRYPTION = {
  TLS: 'TLS',
  STARTTLS: 'STARTTLS, required',
  none: 'none',
} as const satisfies Record<MailSummary['encryption'], ConsoleText>

/** How the instance sends e-mail, as far as the configuration of this node tells. */
export function mailFacts(t: ConsoleTranslate, mail: MailSummary | undefined): Fact[] {
  if (!mail) return [fact(t('Status'), badgeCell('neutral', t('Not configured')))]
  const status =
    mail.server === null ? badgeCell('warning', t('Printed, not sent')) : badgeCell('success', t('Enabled'))
  return [
    fact(t('Status'), status),
    fact(t('Sender'), textCell(mail.from)),
    ...(mail.server === null
      ? []
      : [
          fact(t('SMTP server'), textCell(mail.server)),
          fact(t('Encryption'), textCell(t(ENCRYPTION[mail.encryption]))),
          fact(t('DKIM'), textCell(mail.hasDkim ? t('messages are signed') : t('not signed by Keywright'))),
        ]),
  ]
}

export function mailLead(t: ConsoleTranslate, mail: MailSummary | undefined): string {
  if (!mail) {
    return t(
      'Keywright sends no email: admins hand over invitations and one-time passwords themselves. To send email, set SMTP_URL and MAIL_FROM for the server.',
    )
  }
  return mail.server === null
    ? t('MAIL=console prints messages to the standard output of the server. Use this for development only.')
    : t('Invitations, links for new passwords, and notices are sent by email.')
}

/** On the page of the settings. */
export const mailBlock = (t: ConsoleTranslate, mail: MailSummary | undefined): Block => ({
  part: 'facts',
  heading: t('Email'),
  lead: mailLead(t, mail),
  actions: [{ href: MAIL_PATH, label: t('View messages') }],
  facts: mailFacts(t, mail),
})
