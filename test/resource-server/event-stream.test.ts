import { describe, expect, it } from 'vitest'
import { EventStreamParser, type StreamEvent } from '../../packages/resource-server/src/event-stream.ts'

const parse = (...chunks: string[]): StreamEvent[] => {
  const parser = new EventStreamParser(1000)
  return chunks.flatMap((chunk) => parser.push(chunk))
}

const STREAM = ': hello\nid: 1\nevent: a\ndata: x\ndata:y\ndata:  z\n\n\ndata\n\nid: 2\ndata: last\n\nid:3\ndata: cut'
const EVENTS = [
  { name: 'a', data: 'x\ny\n z', id: '1' },
  { name: 'message', data: '', id: '1' },
  { name: 'message', data: 'last', id: '2' },
]

describe('the event stream parser', () => {
  it.each(['\n', '\r\n', '\r'])('accepts lines that end in %j', (end) => {
    expect(parse(STREAM.replaceAll('\n', end))).toEqual(EVENTS)
  })

  it.each(['\n', '\r\n', '\r'])('accepts pieces of every size, with lines that end in %j', (end) => {
    const whole = STREAM.replaceAll('\n', end)
    for (let size = 1; size < whole.length; size++) {
      const chunks = whole.match(new RegExp(`[^]{1,${size}}`, 'g'))!
      expect(parse(...chunks), `pieces of ${size}`).toEqual(EVENTS)
    }
  })

  it('ignores an event that no empty line ends', () => {
    expect(parse('id: 9\ndata: half')).toEqual([])
    expect(parse('id: 9\ndata: half\n')).toEqual([])
  })

  it('ignores a byte order mark at the beginning of the stream only', () => {
    expect(parse('\uFEFFdata: a\n\n')).toEqual([{ name: 'message', data: 'a', id: undefined }])
    expect(parse('data: a\n', '\uFEFFdata: b\n\n')).toEqual([{ name: 'message', data: 'a', id: undefined }])
  })

  it('ignores unknown fields, ids with NUL and malformed retry times', () => {
    const parser = new EventStreamParser(1000)
    expect(parser.push('id: a\0b\nretry: 1x\nnonsense: 1\ndata: d\n\n')).toEqual([
      { name: 'message', data: 'd', id: undefined },
    ])
    expect(parser.retry).toBeUndefined()
    parser.push('retry: 250\n')
    expect(parser.retry).toBe(250)
  })

  it('rejects an event above the limit, in one line or in many', () => {
    const long = new EventStreamParser(1000)
    expect(() => long.push(`data: ${'x'.repeat(1001)}`)).toThrow('more than 1000')
    const many = new EventStreamParser(1000)
    expect(() => {
      for (let n = 0; n < 200; n++) many.push('data: 1234\n')
    }).toThrow('more than 1000')
    const short = new EventStreamParser(1000)
    for (let n = 0; n < 200; n++) short.push('data: 1234\n\n')
  })

  it('accepts any number of comments', () => {
    const parser = new EventStreamParser(1000)
    for (let n = 0; n < 200; n++) parser.push(': are you there?\n')
    expect(parser.push('data: yes\n\n')).toHaveLength(1)
  })
})
