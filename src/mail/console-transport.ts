import type { MailTransport, OutgoingMessage } from './mail-transport.ts'

const RULE = '─'.repeat(72)

const printed = ({ to, subject, text }: OutgoingMessage): string =>
  `\n${RULE}\nEmail to ${to}\nSubject: ${subject}\n\n${text}${RULE}\n`

/** Prints messages, for development. */
export function createConsoleTransport(write: (text: string) => void): MailTransport {
  return {
    async send(message) {
      write(printed(message))
    },
    close() {},
  }
}
