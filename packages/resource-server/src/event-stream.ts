import { InvalidResponseError } from './errors.ts'

/** One event of a `text/event-stream` (WHATWG HTML, section 9.2). */
export interface StreamEvent {
  /** `message` by default. */
  readonly name: string
  readonly data: string
  /** The id of this event or of the last one that had an id. */
  readonly id: string | undefined
}

const LINE_END = /\r\n|\n|\r/g

/** Parses a stream that arrives in pieces of any size. An event counts once an empty line ends it. */
export class EventStreamParser {
  /** The `retry` field in milliseconds: how long to wait before the next connection. */
  retry: number | undefined
  private rest = ''
  private size = 0
  private name = ''
  private data: string[] = []
  private id: string | undefined
  private started = false
  private readonly maxSize: number

  /** @param maxSize characters of one event */
  constructor(maxSize: number) {
    this.maxSize = maxSize
  }

  /** @throws InvalidResponseError if an event is longer than `maxSize` */
  push(text: string): StreamEvent[] {
    const events: StreamEvent[] = []
    for (const line of this.linesOf(text)) {
      const event = this.parseLine(line)
      if (event) events.push(event)
    }
    if (this.size + this.rest.length > this.maxSize) {
      throw new InvalidResponseError(`an event has more than ${this.maxSize} characters`)
    }
    return events
  }

  private linesOf(text: string): string[] {
    const whole = this.rest + (this.started ? text : text.replace(/^\uFEFF/, ''))
    if (text !== '') this.started = true
    // A carriage return at the end may be the first half of a CRLF.
    const pending = whole.endsWith('\r') ? 1 : 0
    const lines = whole.slice(0, whole.length - pending).split(LINE_END)
    this.rest = lines.pop()! + whole.slice(whole.length - pending)
    return lines
  }

  private parseLine(line: string): StreamEvent | undefined {
    if (line === '') return this.endEvent()
    const colon = line.indexOf(':')
    // A comment.
    if (colon === 0) return undefined
    this.size += line.length
    const field = colon === -1 ? line : line.slice(0, colon)
    const value = colon === -1 ? '' : line.slice(colon + 1).replace(/^ /, '')
    this.setField(field, value)
    return undefined
  }

  private setField(field: string, value: string): void {
    if (field === 'data') this.data.push(value)
    else if (field === 'event') this.name = value
    else if (field === 'id' && !value.includes('\0')) this.id = value
    else if (field === 'retry' && /^\d{1,9}$/.test(value)) this.retry = Number(value)
  }

  private endEvent(): StreamEvent | undefined {
    const { data, name } = this
    this.data = []
    this.name = ''
    this.size = 0
    return data.length === 0 ? undefined : { name: name || 'message', data: data.join('\n'), id: this.id }
  }
}
