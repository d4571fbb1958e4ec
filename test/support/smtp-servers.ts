import { once } from 'node:events'
import type { AddressInfo, Socket } from 'node:net'
import { createServer } from 'node:net'
import { text } from 'node:stream/consumers'
import { SMTPServer, type SMTPServerOptions } from 'smtp-server'
import { until } from './load.ts'

/** A message as an SMTP server received it. */
export interface ReceivedMail {
  readonly from: string
  readonly to: readonly string[]
  readonly isEncrypted: boolean
  readonly raw: string
  /** Header fields by their names in small letters, unfolded. */
  readonly headers: ReadonlyMap<string, string>
  /** The body with its parts, without quoted-printable and Base64. */
  readonly body: string
}

const unfold = (head: string): string => head.replace(/\r\n[ \t]+/g, ' ')

function headersOf(raw: string): Map<string, string> {
  const lines = unfold(raw.slice(0, raw.indexOf('\r\n\r\n'))).split('\r\n')
  return new Map(
    lines.map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 2)]),
  )
}

const withoutQuoting = (body: string): string =>
  body
    .replace(/=\r\n/g, '')
    .replace(/(?:=[0-9A-F]{2})+/g, (bytes) => Buffer.from(bytes.replaceAll('=', ''), 'hex').toString())

const withoutBase64 = (body: string): string =>
  body.replace(
    /(Content-Transfer-Encoding: base64\r\n(?:.+\r\n)*\r\n)([\w+/=\r\n]+)/g,
    (_, head: string, coded: string) => head + Buffer.from(coded, 'base64').toString(),
  )

/** Encoded words of UTF-8 (RFC 2047), with the space between two of them. */
const ENCODED_WORD = /=\?UTF-8\?([BQ])\?([^?]*)\?=(?:\s+(?==\?))?/gi

/** A header field as its reader sees it. */
export function decodedHeader({ headers }: ReceivedMail, name: string): string {
  const bytes = (encoding: string, coded: string) =>
    encoding.toUpperCase() === 'B'
      ? Buffer.from(coded, 'base64')
      : Buffer.from(withoutQuoting(coded.replaceAll('_', ' ')))
  return (headers.get(name) ?? '').replace(ENCODED_WORD, (_, encoding, coded) => bytes(encoding, coded).toString())
}

/** What a server answers instead of accepting. */
export const rejection = (responseCode: number, message: string) => Object.assign(new Error(message), { responseCode })

export interface SmtpServerOptions extends SMTPServerOptions {
  /** Called before a message is accepted; throws `rejection` to refuse it, or waits. */
  readonly accept?: (mail: ReceivedMail) => unknown
}

/** An SMTP server on a free port that keeps the messages that it has accepted. */
export async function startSmtpServer({ accept, ...options }: SmtpServerOptions = {}) {
  const accepted: ReceivedMail[] = []
  const seen: ReceivedMail[] = []
  const server = new SMTPServer({
    authOptional: true,
    ...(options.key ? {} : { hideSTARTTLS: true, disabledCommands: ['STARTTLS'] }),
    logger: false,
    disableReverseLookup: true,
    closeTimeout: 1000,
    ...options,
    onData(stream, session, done) {
      const receive = async () => {
        const raw = await text(stream)
        const { mailFrom, rcptTo } = session.envelope
        const mail = {
          from: mailFrom === false ? '' : mailFrom.address,
          to: rcptTo.map(({ address }) => address),
          isEncrypted: session.secure,
          raw,
          headers: headersOf(raw),
          body: withoutBase64(withoutQuoting(raw.slice(raw.indexOf('\r\n\r\n') + 4))),
        }
        seen.push(mail)
        await accept?.(mail)
        accepted.push(mail)
      }
      receive().then(() => done(), done)
    },
  })
  // A client that goes away in the middle is no failure of the test.
  server.on('error', () => {})
  server.listen(0, '127.0.0.1')
  await once(server.server, 'listening')
  const { port } = server.server.address() as AddressInfo
  /** The messages to an address with such a subject. Jobs add notices at any time, such as that of a sign-in. */
  const to = (address: string, subject = /^/) =>
    accepted.filter((mail) => mail.to.includes(address) && subject.test(mail.headers.get('subject') ?? ''))
  return {
    port,
    /** For SMTP_URL. */
    url: `smtp://localhost:${port}`,
    accepted,
    /** Also those that were refused. */
    seen,
    to,
    /** Waits for a message to the address with such a subject: the first one, or the one with this number. */
    async mailTo(address: string, subject: RegExp, number = 1): Promise<ReceivedMail> {
      await until(() => to(address, subject).length >= number)
      return to(address, subject)[number - 1]!
    },
    stop: () => new Promise<void>((resolve) => server.close(() => resolve())),
  }
}

/** A server that talks as the test says; a line of the client at a time. */
export async function startScriptedServer(greeting: string | undefined, answer: (line: string) => string | undefined) {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    if (greeting) socket.write(`${greeting}\r\n`)
    socket.setEncoding('utf8').on('data', (chunk) => {
      for (const line of String(chunk).split('\r\n').filter(Boolean)) {
        const reply = answer(line)
        if (reply) socket.write(`${reply}\r\n`)
      }
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    connections: () => sockets.size,
    async stop() {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

/** The link in a message. */
export const linkIn = ({ body }: ReceivedMail): URL => new URL(/https?:\/\/\S+\?token=kwl_[0-9a-f]+/.exec(body)![0])
