import { InvalidAnswerError } from './errors.ts'

/** One event of a `text/event-stream` (WHATWG HTML, section 9.2). */
export interface StreamEvent {
  /** `message` where it names none. */
  readonly name: string
  readonly data: string
  /** Where to go on from after this event; undefined before the stream named anything. */
  readonly id: string | undefined
}

const LINE_END = /\r\n|\n|\r/g

/** Takes the stream in whatever pieces it comes; what was not ended by an empty line never happened. */
export class EventStreamParser {
  /** Milliseconds to wait before connecting anew, where the stream says so. */
  retry: number | undefined
  private rest = ''
  private size = 0
  private name = ''
  private data: string[] = []
  private id: string | undefined
  private begun = false
  private readonly maxSize: number

  /** @param maxSize characters of one event */
  constructor(maxSize: number) {
    this.maxSize = maxSize
  }

  /** @throws InvalidAnswerError where an event is longer than `maxSize` */
  push(text: string): StreamEvent[] {
    const events: StreamEvent[] = []
    for (const line of this.linesOf(text)) {
      const event = this.take(line)
      if (event) events.push(event)
    }
    if (this.size + this.rest.length > this.maxSize) {
      throw new InvalidAnswerError(`an event of more than ${this.maxSize} characters`)
    }
    return events
  }

  private linesOf(text: string): string[] {
    const whole = this.rest + (this.begun ? text : text.replace(/^\uFEFF/, ''))
    if (text !== '') this.begun = true
    // A carriage return at the very end may be half of a line's end.
    const held = whole.endsWith('\r') ? 1 : 0
    const lines = whole.slice(0, whole.length - held).split(LINE_END)
    this.rest = lines.pop()! + whole.slice(whole.length - held)
    return lines
  }

  private take(line: string): StreamEvent | undefined {
    if (line === '') return this.dispatch()
    const colon = line.indexOf(':')
    if (colon === 0) return undefined
    this.size += line.length
    const field = colon === -1 ? line : line.slice(0, colon)
    const value = colon === -1 ? '' : line.slice(colon + 1).replace(/^ /, '')
    this.set(field, value)
    return undefined
  }

  private set(field: string, value: string): void {
    if (field === 'data') this.data.push(value)
    else if (field === 'event') this.name = value
    else if (field === 'id' && !value.includes('\0')) this.id = value
    else if (field === 'retry' && /^\d{1,9}$/.test(value)) this.retry = Number(value)
  }

  private dispatch(): StreamEvent | undefined {
    const { data, name } = this
    this.data = []
    this.name = ''
    this.size = 0
    return data.length === 0 ? undefined : { name: name || 'message', data: data.join('\n'), id: this.id }
  }
}
