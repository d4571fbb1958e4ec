/** examples/caddy: Caddy asks keywright-verify about each request. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { findProgram } from '../support/debian.ts'
import { freePort, startProgram } from '../support/program.ts'
import { testAskingGateway } from './asking-gateway.ts'
import { exampleWith } from './stage.ts'

const caddy = await findProgram('/usr/bin/caddy', 'caddy')

testAskingGateway({
  name: 'Caddy',
  isThere: caddy !== undefined,
  malformed: 400,
  async start({ stage, home }, verifier) {
    const port = await freePort()
    const example = await exampleWith('caddy/Caddyfile', {
      ':8080': `http://127.0.0.1:${port}`,
      '127.0.0.1:8180': new URL(verifier).host,
      '127.0.0.1:9000': stage.upstream,
    })
    const file = join(home, 'Caddyfile')
    // Another test's Caddy may have the port of its administration.
    await writeFile(file, `{\n\tadmin off\n}\n${example}`)
    return await startProgram([caddy!, 'run', '--adapter', 'caddyfile', '--config', file], port, { HOME: home })
  },
})
