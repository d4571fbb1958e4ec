import { execFile, spawn } from 'node:child_process'
import { accessSync, constants, existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'

const APT = '/usr/bin/apt-get'
/** Root's own directory: in one that anybody may write to, Linux keeps even root from opening another user's file. */
const LOCK = '/run/keywright-tests.lock'

// A process that waited for the lock may find the work done. Package lists are fetched only when those at hand do not serve:
// on a fresh machine there are none, on an old one they name what has gone. Debian starts the servers that it installs;
// a test must not open port 80, so unless the machine has a policy of its own, the one of containers holds meanwhile.
const INSTALL = `
set -u
export DEBIAN_FRONTEND=noninteractive LC_ALL=C PATH=/usr/sbin:/usr/bin:/sbin:/bin
installed() {
  for package; do [ "$(dpkg-query -W -f='\${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || return 1; done
}
POLICY=/usr/sbin/policy-rc.d
start_nothing() {
  [ -e "$POLICY" ] || { trap 'rm -f "$POLICY"' EXIT && printf '#!/bin/sh\\nexit 101\\n' >"$POLICY" && chmod 755 "$POLICY"; }
}
install() { start_nothing && apt-get install -q -y --no-install-recommends -o DPkg::Lock::Timeout=300 -- "$@"; }
installed "$@" || install "$@" || { apt-get update -q && install "$@"; }`

const say = (message: string): void => {
  process.stderr.write(`keywright tests: ${message}\n`)
}

const isRoot = (): boolean => process.getuid?.() === 0

/** Runs to the end; answers whether that was good, and the last of what was printed. */
async function run(file: string, args: readonly string[]): Promise<{ good: boolean; end: string }> {
  // Ctrl-C reaches the whole group of processes, and would leave packages half installed.
  const child = spawn(file, args, { detached: true, stdio: ['ignore', 'pipe', 'pipe'] })
  let end = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      end = (end + text).slice(-2000)
    })
  }
  return await new Promise((resolve) => {
    child.on('error', (error) => resolve({ good: false, end: error.message }))
    child.on('close', (code) => resolve({ good: code === 0, end: end.trim() }))
  })
}

async function areInstalled(packages: readonly string[]): Promise<boolean> {
  try {
    const args = ['-W', `-f=\${db:Status-Status}\n`, ...packages]
    const { stdout } = await promisify(execFile)('dpkg-query', args)
    return stdout.split('\n').filter((status) => status === 'installed').length === packages.length
  } catch {
    // One is unknown, or this is not Debian.
    return false
  }
}

/**
 * Sees to it that Debian packages are installed: root installs missing ones by apt-get, other users get their names.
 * Any number of processes may call it at once. Answers whether they are there.
 */
export async function ensureDebian(...packages: string[]): Promise<boolean> {
  if (await areInstalled(packages)) return true
  const names = packages.join(' ')
  if (!existsSync(APT)) {
    say(`${names}: not installed, and there is no apt-get to install them with`)
    return false
  }
  if (!isRoot()) {
    say(`${names}: not installed; install them as root with: apt-get install ${names}`)
    return false
  }
  say(`installing ${names} with apt-get, because tests need what is in them and this machine lacks it`)
  const { good, end } = await run('flock', [LOCK, 'sh', '-c', INSTALL, 'sh', ...packages])
  say(good ? `${names}: installed` : `${names}: could not be installed\n${end}`)
  return good
}

/** Where skipping would hide that something was never tried. */
const mustNotSkip = (): boolean => process.env.CI === 'true' || process.env.KEYWRIGHT_REQUIRE_BROWSER === '1'

/** @throws Error where tests must not be skipped */
function doWithout(what: string, tests: string): undefined {
  const message = `no ${what} on this machine, and none could be installed`
  if (mustNotSkip()) throw new Error(message)
  say(`${message}; ${tests} are skipped`)
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

const onPath = (name: string): string[] =>
  (process.env.PATH ?? '')
    .split(delimiter)
    .filter(Boolean)
    .map((directory) => join(directory, name))

function presentChromium(): string | undefined {
  const chrome = ['google-chrome', 'google-chrome-stable'].flatMap(onPath)
  return ['/usr/bin/chromium', '/usr/bin/chromium-browser', ...chrome].find(isProgram)
}

/**
 * The path of a Chromium: what the variable CHROMIUM names, or one of this machine, or else Debian's. Undefined when none
 * can be had, for tests that then skip.
 * @throws Error with CI=true or KEYWRIGHT_REQUIRE_BROWSER=1 instead; for a CHROMIUM that is no program
 */
export async function findChromium(): Promise<string | undefined> {
  const named = process.env.CHROMIUM
  if (named && !isProgram(named)) throw new Error(`CHROMIUM names ${named}, which is no program`)
  const present = named || presentChromium()
  if (present) return present
  await ensureDebian('chromium')
  return presentChromium() ?? doWithout('Chromium', 'browser tests')
}

/**
 * The path of a program, which comes with these Debian packages; all of them are there. Undefined when they cannot be had.
 * @throws Error with CI=true or KEYWRIGHT_REQUIRE_BROWSER=1 instead
 */
export async function findProgram(path: string, ...packages: string[]): Promise<string | undefined> {
  if ((await ensureDebian(...packages)) && isProgram(path)) return path
  return doWithout(packages.join(' '), 'tests of it')
}

/**
 * The path of Maven, with a Java compiler for it. Undefined when they cannot be had.
 * @throws Error with CI=true or KEYWRIGHT_REQUIRE_BROWSER=1 instead
 */
export async function findMaven(): Promise<string | undefined> {
  if (['/usr/bin/mvn', '/usr/bin/javac'].every(isProgram)) return '/usr/bin/mvn'
  return await findProgram('/usr/bin/mvn', 'maven', 'default-jdk-headless')
}

/** The packages of modules that Debian does not simply call python3-NAME, or that are of no use alone. */
const PYTHON_PACKAGES: Record<string, string[]> = { authlib: ['python3-authlib', 'python3-requests'] }

async function imports(python: string, module: string): Promise<boolean> {
  const script = 'import importlib, sys; importlib.import_module(sys.argv[1])'
  return isProgram(python) && (await run(python, ['-c', script, module])).good
}

async function presentPython(module: string): Promise<string | undefined> {
  // Debian's modules are only in Debian's own Python, which another on the PATH may hide.
  for (const python of new Set([...onPath('python3'), '/usr/bin/python3'])) {
    if (await imports(python, module)) return python
  }
  return undefined
}

/**
 * The path of a Python that can import this module: one of this machine, or else Debian's. Undefined when none can be had.
 * @throws Error with CI=true or KEYWRIGHT_REQUIRE_BROWSER=1 instead
 */
export async function findPython(module: string): Promise<string | undefined> {
  const present = await presentPython(module)
  if (present) return present
  await ensureDebian(...(PYTHON_PACKAGES[module] ?? [`python3-${module}`]))
  return (await presentPython(module)) ?? doWithout(`Python with ${module}`, 'tests of it')
}
