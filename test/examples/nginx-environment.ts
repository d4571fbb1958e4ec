import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { findProgram } from '../support/debian.ts'
import { freePort, type Program, startProgram } from '../support/program.ts'
import { exampleWith } from './example-environment.ts'

/** Undefined: it is not installed. */
export const nginx = await findProgram('/usr/sbin/nginx', 'nginx')

/** The nginx.conf of a distribution, with files in a directory of the test. */
const mainConfig = (home: string) => `
${process.getuid?.() === 0 ? 'user www-data;' : ''}
worker_processes 1;
pid ${home}/pid;
error_log stderr warn;
events {}
http {
  access_log off;
  ${['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((use) => `${use}_temp_path ${home}/${use};`).join(' ')}
  include ${home}/keywright.conf;
}
`

/** Starts the example in front of an API. @param upstream host and port of the API */
export async function startNginx(
  { upstream, home }: { readonly upstream: string; readonly home: string },
  verifier: string,
): Promise<Program> {
  const port = await freePort()
  const config = await exampleWith('nginx/keywright.conf', {
    'listen 8080': `listen 127.0.0.1:${port}`,
    '127.0.0.1:8180': new URL(verifier).host,
    '127.0.0.1:9000': upstream,
    '  location / {':
      '  location /admin/ {\n    set $needed_scope "write";\n    proxy_pass http://api;\n  }\n\n  location / {',
  })
  await writeFile(join(home, 'keywright.conf'), config)
  await writeFile(join(home, 'nginx.conf'), mainConfig(home))
  const command = [nginx!, '-p', home, '-e', 'stderr', '-c', join(home, 'nginx.conf'), '-g', 'daemon off;']
  return await startProgram(command, port)
}
