/** The options of the command line. */
import { parseArgs } from 'node:util'

export const { values } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    seconds: { type: 'string', default: '5' },
    rounds: { type: 'string', default: '3' },
    'cold-start': { type: 'string' },
    quick: { type: 'boolean', default: false },
  },
})
/** The length of one measurement. */
export const SECONDS = values.quick ? 2 : Number(values.seconds)
export const ROUNDS = values.quick ? 2 : Number(values.rounds)

export const say = (message: string) => process.stderr.write(`${message}\n`)
