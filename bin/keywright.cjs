/**
 * Starts Keywright. JavaScript for Node 10 and later: a Node that cannot read TypeScript must get as far as saying so.
 */
const NEEDED = 24

if (Number(process.versions.node.split('.')[0]) < NEEDED) {
  process.stderr.write(
    `keywright: Node.js ${NEEDED} or later is needed, and this is ${process.version}; ` +
      `run "npm ci" (which installs it) and then "npm start", or install Node.js ${NEEDED}\n`,
  )
  process.exitCode = 1
} else {
  // `src/cli/young-generation.ts` says why. First, because compiled code is kept for the flags it was compiled with.
  if (process.argv[2] === 'serve') require('node:v8').setFlagsFromString('--semi-space-growth-factor=1')
  // Kept with the dependencies, where nobody else writes; without the right to write there, nothing is kept.
  require('node:module').enableCompileCache(require('node:path').join(__dirname, '../node_modules/.cache/node'))
  import('../src/main.ts')
}
