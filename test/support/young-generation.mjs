/** Loaded before the program: at SIGUSR2 writes how large the young generation is, and how large it becomes under load. */
import { getHeapSpaceStatistics } from 'node:v8'

const size = () => getHeapSpaceStatistics().find(({ space_name: name }) => name === 'new_space').space_size

process.on('SIGUSR2', () => {
  const before = size()
  const kept = Array.from({ length: 1_000_000 }, (_, n) => ({ n }))
  process.stderr.write(`young generation: ${before} to ${size()} bytes, ${kept.length} objects\n`)
})
