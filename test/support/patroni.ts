import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { codeBlocksOf } from './code-blocks.ts'
import { findProgram } from './debian.ts'
import { endWithTests } from './end-with-tests.ts'
import { until } from './load.ts'
import { freePort, startProgram } from './program.ts'

const PAGE = 'docs/operating/high-availability.md'
const PASSWORD = 'SUPERUSER_PASSWORD'

interface Programs {
  readonly patroni: string
  readonly etcd: string
  readonly haproxy: string
  readonly postgresBin: string
}

function newestPostgresBin(): string | undefined {
  const root = '/usr/lib/postgresql'
  const majors = existsSync(root) ? readdirSync(root).sort((a, b) => Number(b) - Number(a)) : []
  return majors.map((major) => join(root, major, 'bin')).find((bin) => existsSync(join(bin, 'pg_rewind')))
}

/** Undefined where they cannot be installed. @throws Error with CI=true or KEYWRIGHT_REQUIRE_BROWSER=1 instead */
export async function findPatroni(): Promise<Programs | undefined> {
  const patroni = await findProgram('/usr/bin/patroni', 'postgresql', 'patroni', 'python3-etcd')
  const etcd = await findProgram('/usr/bin/etcd', 'etcd-server')
  const haproxy = await findProgram('/usr/sbin/haproxy', 'haproxy')
  const postgresBin = newestPostgresBin()
  return patroni && etcd && haproxy && postgresBin ? { patroni, etcd, haproxy, postgresBin } : undefined
}

/** The ports of one run. Each member has a loopback address of its own, as it has a machine of its own on the page. */
interface Ports {
  readonly postgres: number
  readonly rest: number
  readonly etcd: number
  readonly haproxy: number
}

const ipOf = (member: number) => `127.0.0.1${member}`

/** A configuration file of the page, with the addresses and ports of this run. */
const localized = (text: string, ports: Ports) =>
  text
    .replaceAll('10.0.0.0/24', '127.0.0.0/24')
    .replaceAll('10.0.0.10:5432', `127.0.0.1:${ports.haproxy}`)
    .replaceAll('10.0.0.', '127.0.0.')
    .replaceAll(':5432', `:${ports.postgres}`)
    .replaceAll('8008', `${ports.rest}`)
    .replaceAll('2379', `${ports.etcd}`)

const memberConfiguration = (member: number, ports: Ports, home: string, bin: string) =>
  localized(codeBlocksOf(PAGE, 'yaml')[0]!, ports)
    .replace('name: pg1', `name: pg${member}`)
    .replaceAll(`127.0.0.11:${ports.rest}`, `${ipOf(member)}:${ports.rest}`)
    .replaceAll(`127.0.0.11:${ports.postgres}`, `${ipOf(member)}:${ports.postgres}`)
    .replace('/var/lib/postgresql/15/keywright', join(home, `pg${member}`))
    .replace('/usr/lib/postgresql/15/bin', bin)
    .concat(`  pgpass: ${join(home, `pgpass${member}`)}\n  parameters: {unix_socket_directories: ""}\n`)

/** PostgreSQL and Patroni refuse to run as root. */
const asPostgres = (command: string[]): [string, ...string[]] =>
  (process.getuid?.() === 0 ? ['/usr/sbin/runuser', '-u', 'postgres', '--', ...command] : command) as [string]

interface Run {
  readonly child: ChildProcess
  readonly ended: Promise<unknown>
}

function runAsPostgres(command: string[]): Run {
  const [file, ...args] = asPostgres(command)
  const child = spawn(file, args, {
    stdio: 'ignore',
    env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C.UTF-8' },
  })
  endWithTests(child, 'SIGTERM')
  return { child, ended: once(child, 'exit') }
}

const isNumber = (name: string) => /^\d+$/.test(name)

/** Every process, whatever its parent is, whose arguments or working directory name this path. */
function processesOf(path: string): number[] {
  const names = (pid: string) => {
    try {
      const commandLine = readFileSync(`/proc/${pid}/cmdline`, 'utf8')
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
      return { pid: Number(pid), commandLine, parent: Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]) }
    } catch {
      return undefined
    }
  }
  const all = readdirSync('/proc')
    .filter(isNumber)
    .map(names)
    .filter((one) => one !== undefined)
  const roots = all.filter(({ commandLine }) => commandLine.includes(path)).map(({ pid }) => pid)
  return all.filter(({ pid, parent }) => roots.includes(pid) || roots.includes(parent)).map(({ pid }) => pid)
}

function signalAll(pids: readonly number[], signal: NodeJS.Signals): void {
  for (const pid of pids) {
    try {
      process.kill(pid, signal)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
    }
  }
}

interface ClusterMember {
  readonly name: string
  readonly role: 'leader' | 'sync_standby' | 'replica'
  readonly state: string
}

/** How the members see the cluster. Members that do not answer within a second are skipped. */
async function membersOf(ports: Ports): Promise<ClusterMember[]> {
  for (const member of [1, 2, 3]) {
    try {
      const url = `http://${ipOf(member)}:${ports.rest}/cluster`
      const response = await fetch(url, { signal: AbortSignal.timeout(1000) })
      return ((await response.json()) as { members: ClusterMember[] }).members
    } catch {
      // This one is down or frozen.
    }
  }
  return []
}

const SECONDS = 1000

/**
 * One primary and two standbys under Patroni, with HAProxy in front, configured by the files that the documentation prints.
 * One etcd serves all three.
 */
export async function startPatroni({ patroni, etcd, haproxy, postgresBin }: Programs) {
  const home = await mkdtemp(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'keywright-patroni-'))
  if (process.getuid?.() === 0) await runToEnd('/bin/chown', ['postgres', home])
  const ports = {
    postgres: await freePort(),
    rest: await freePort(),
    etcd: await freePort(),
    haproxy: await freePort(),
  }
  const peer = `http://127.0.0.11:${await freePort()}`
  const client = `http://127.0.0.11:${ports.etcd}`
  const store = runAsPostgres([
    etcd,
    ...['--name', 'etcd1', '--data-dir', join(home, 'etcd'), '--log-level', 'error'],
    ...['--listen-client-urls', client, '--advertise-client-urls', client],
    ...['--listen-peer-urls', peer, '--initial-advertise-peer-urls', peer, '--initial-cluster', `etcd1=${peer}`],
  ])
  const configurationOf = (member: number) => join(home, `pg${member}.yml`)
  const running = new Map<number, Run>()
  const startMember = (member: number) => running.set(member, runAsPostgres([patroni, configurationOf(member)]))
  for (const member of [1, 2, 3]) {
    await writeFile(configurationOf(member), memberConfiguration(member, ports, home, postgresBin))
    startMember(member)
  }
  const credentials = `postgres:${PASSWORD}`
  const haproxyFile = join(home, 'haproxy.cfg')
  await writeFile(haproxyFile, localized(codeBlocksOf(PAGE, 'haproxy')[0]!, ports))

  const numberOf = (name: string) => Number(name.slice(2))
  const postgresOf = (member: number) => processesOf(`${join(home, `pg${member}`)}\0`)
  const patroniOf = (member: number) => {
    const postgres = postgresOf(member)
    return processesOf(configurationOf(member)).filter((pid) => !postgres.includes(pid))
  }
  const processesOfMember = (member: number) => [...patroniOf(member), ...postgresOf(member)]

  /** Three members run, and one of the standbys is synchronous. Answers the number of the primary. */
  async function whole(): Promise<number> {
    let members: ClusterMember[] = []
    await until(async () => {
      members = await membersOf(ports)
      const roles = members.map(({ role }) => role)
      const run = members.filter(({ state }) => state === 'running' || state === 'streaming')
      return run.length === 3 && roles.includes('leader') && roles.includes('sync_standby')
    }, 90 * SECONDS)
    return numberOf(members.find(({ role }) => role === 'leader')!.name)
  }

  async function waitingCommits(member: number): Promise<number> {
    const connection = openClient(`postgresql://${credentials}@${ipOf(member)}:${ports.postgres}/postgres`)
    await connection.connect()
    const waiting = `SELECT count(*)::int AS n FROM pg_stat_activity WHERE wait_event = 'SyncRep'`
    const { rows } = await connection.query(waiting).finally(() => connection.end())
    return rows[0].n
  }

  await whole()
  const proxy = await startProgram([haproxy, '-db', '-f', haproxyFile], ports.haproxy)
  const proxyUrl = `postgresql://${credentials}@127.0.0.1:${ports.haproxy}/postgres`
  // HAProxy distributes connections to all members until its first health checks have ended.
  await until(async () => (await Promise.all(Array.from({ length: 6 }, () => isPrimary(proxyUrl)))).every(Boolean))

  return {
    proxyUrl,
    severalHostsUrl: `postgresql://${credentials}@${[1, 2, 3].map((n) => `${ipOf(n)}:${ports.postgres}`)}/postgres?target_session_attrs=read-write`,
    whole,
    /** Resolves when a member other than this one is the primary and has a synchronous standby. */
    async failedOverFrom(member: number) {
      await until(async () => {
        const members = await membersOf(ports)
        const leader = members.find(({ role }) => role === 'leader')
        return leader !== undefined && numberOf(leader.name) !== member && members.some(isSynchronous)
      }, 90 * SECONDS)
    },
    /** Stops what the primary sends to its standbys, and resolves when at least two commits wait for them. */
    async holdReplication(primary: number) {
      signalAll(walSendersOf(join(home, `pg${primary}`)), 'SIGSTOP')
      await until(async () => (await waitingCommits(primary)) >= 2)
    },
    /** `kill -9` of Patroni and PostgreSQL at one moment, as when the machine is lost. */
    kill: (member: number) => signalAll(processesOfMember(member), 'SIGKILL'),
    /** SIGSTOP of Patroni and PostgreSQL: connections stay open and nothing answers. */
    freeze: (member: number) => signalAll(processesOfMember(member), 'SIGSTOP'),
    /**
     * PostgreSQL of a frozen member wakes up as the primary that it was, and stays one until Patroni is started. Patroni itself
     * does not wake up: before 3.0.3 it may take the leader lock from the new primary then, which discards what that committed.
     */
    wakeWithoutPatroni(member: number) {
      signalAll(patroniOf(member), 'SIGKILL')
      signalAll(postgresOf(member), 'SIGCONT')
    },
    start: startMember,
    /** Patroni refuses it with 412 as long as the synchronous standby is being replaced, so it is asked again. */
    async switchover(member: number) {
      const body = JSON.stringify({ leader: `pg${member}` })
      await until(async () => {
        const answer = await fetch(`http://${ipOf(member)}:${ports.rest}/switchover`, { method: 'POST', body })
        const text = await answer.text()
        if (answer.status >= 300 && answer.status !== 412) throw new Error(`switchover: ${answer.status} ${text}`)
        return answer.status < 300
      }, 90 * SECONDS)
    },
    async stop() {
      await proxy.stop()
      for (const member of [1, 2, 3]) signalAll(processesOfMember(member), 'SIGKILL')
      for (const { child } of running.values()) child.kill('SIGKILL')
      store.child.kill('SIGTERM')
      await Promise.all([store.ended, ...[...running.values()].map(({ ended }) => ended)])
      await rm(home, { recursive: true, force: true, maxRetries: 10 })
    },
  }
}

/** A client whose connection may be cut at any moment: without a listener, that would end the process. */
function openClient(url: string): pg.Client {
  const client = new pg.Client(url)
  client.on('error', () => {})
  return client
}

async function isPrimary(url: string): Promise<boolean> {
  const connection = openClient(url)
  try {
    await connection.connect()
    const { rows } = await connection.query('SELECT pg_is_in_recovery() AS standby')
    return !rows[0].standby
  } catch {
    return false
  } finally {
    await connection.end().catch(() => undefined)
  }
}

/** The processes of a primary that send its write-ahead log. */
const walSendersOf = (dataDirectory: string): number[] =>
  processesOf(`${dataDirectory}\0`).filter((pid) => readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('walsender'))

const isSynchronous = ({ role }: ClusterMember) => role === 'sync_standby'

async function runToEnd(file: string, args: string[]): Promise<void> {
  const [code] = await once(spawn(file, args, { stdio: 'ignore' }), 'exit')
  if (code !== 0) throw new Error(`${file} ended with ${code}`)
}
