/** One server that DATABASE_URL names. Absent: what node-postgres takes by default. */
export interface DatabaseHost {
  /** A name, an address, or the directory of a Unix socket. */
  readonly host?: string
  readonly port?: number
}

const SSL_MODES = ['disable', 'allow', 'prefer', 'require', 'verify-ca', 'verify-full'] as const
export type SslMode = (typeof SSL_MODES)[number]

/** What a connection string says, with the meaning that libpq gives it. */
export interface DatabaseUrl {
  /** In the order in which they are tried. */
  readonly hosts: readonly DatabaseHost[]
  readonly user?: string
  readonly password?: string
  readonly database?: string
  readonly sslMode: SslMode
  /** The path of a file of certificates, or `system`. */
  readonly sslRootCert?: string
  readonly sslCert?: string
  readonly sslKey?: string
  readonly sslPassword?: string
  readonly sslMinVersion?: string
  readonly sslMaxVersion?: string
  readonly sslNegotiation?: 'postgres' | 'direct'
  readonly applicationName?: string
  /** Options of the session as on PostgreSQL's command line: `-c search_path=keywright`. */
  readonly options?: string
  readonly connectTimeoutMs?: number
  readonly keepAlive?: boolean
  readonly keepAliveIdleMs?: number
  readonly randomOrder?: boolean
  readonly requireChannelBinding?: boolean
}

type Parameters = ReadonlyMap<string, string>

/** A fault in a connection string, as the end of a sentence that begins with the setting's name. Never quotes the value. */
export class DatabaseUrlError extends Error {}

const ESCAPE_HINT =
  'write special characters of the user name and the password percent-encoded (@ as %40, / as %2F, ? as %3F, # as %23)'

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw new DatabaseUrlError(`has a percent sign that begins no encoded character; ${ESCAPE_HINT}, % as %25`)
  }
}

const oneOf =
  (...values: string[]) =>
  (value: string): string | undefined =>
    values.includes(value) ? undefined : `must be ${values.join(' or ')}`

const wholeNumber = (value: string): string | undefined => (/^\d{1,9}$/.test(value) ? undefined : 'must be a number')
const anything = (): undefined => undefined
const tlsVersion = oneOf('TLSv1', 'TLSv1.1', 'TLSv1.2', 'TLSv1.3')

function checkSessionAttributes(value: string): string | undefined {
  if (['any', 'read-write', 'primary'].includes(value)) return undefined
  return 'must be read-write or primary: Keywright always works on the primary'
}

/** Every parameter that is understood, and what is wrong with a value. */
const PARAMETERS: Record<string, (value: string) => string | undefined> = {
  host: anything,
  port: anything,
  user: anything,
  password: anything,
  dbname: anything,
  application_name: anything,
  fallback_application_name: anything,
  client_encoding: (value) => (/^(auto|utf-?8)$/i.test(value) ? undefined : 'must be UTF8'),
  options: anything,
  connect_timeout: wholeNumber,
  keepalives: oneOf('0', '1'),
  keepalives_idle: wholeNumber,
  target_session_attrs: checkSessionAttributes,
  load_balance_hosts: oneOf('disable', 'random'),
  sslmode: oneOf(...SSL_MODES),
  // What JDBC calls it; libpq takes it too.
  ssl: oneOf('true'),
  sslrootcert: anything,
  sslcert: anything,
  sslkey: anything,
  sslpassword: anything,
  sslnegotiation: oneOf('postgres', 'direct'),
  sslcompression: oneOf('0'),
  ssl_min_protocol_version: tlsVersion,
  ssl_max_protocol_version: tlsVersion,
  gssencmode: oneOf('disable', 'prefer'),
  channel_binding: oneOf('disable', 'prefer', 'require'),
  // Asks node-postgres for libpq's meanings, which hold here anyway.
  uselibpqcompat: oneOf('true'),
}

function checkParameters(parameters: Parameters): void {
  for (const [name, value] of parameters) {
    const check = PARAMETERS[name]
    if (!check) throw new DatabaseUrlError(`has the parameter ${JSON.stringify(name)}, which is not supported`)
    const fieldError = check(value)
    if (fieldError) throw new DatabaseUrlError(`${name} ${fieldError}`)
  }
  const rootCert = parameters.get('sslrootcert')
  if (parameters.get('sslmode') === 'verify-ca' && (!rootCert || rootCert === 'system')) {
    throw new DatabaseUrlError('sslmode=verify-ca needs sslrootcert, the file of the certificate authority')
  }
}

function parseParameters(query: string): Map<string, string> {
  const pairs = query.split('&').filter(Boolean)
  return new Map(
    pairs.map((pair) => {
      const at = pair.indexOf('=')
      if (at < 0) throw new DatabaseUrlError(`has a parameter without a value; ${ESCAPE_HINT}`)
      return [decode(pair.slice(0, at)), decode(pair.slice(at + 1))]
    }),
  )
}

function portOf(text: string | undefined): number | undefined {
  if (!text) return undefined
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0
  if (port < 1 || port > 65_535)
    throw new DatabaseUrlError(`has a port that is no number from 1 to 65535; ${ESCAPE_HINT}`)
  return port
}

function parseHost(text: string): DatabaseHost {
  const [, address, name, port] = /^(?:\[([^\]]*)\]|([^:]*))(?::(.*))?$/.exec(text) ?? []
  if (address === undefined && name === undefined) {
    throw new DatabaseUrlError(`has a host that cannot be read; ${ESCAPE_HINT}, and an IPv6 address in brackets`)
  }
  const host = decode(address ?? name ?? '')
  if (/[@\s]/.test(host)) throw new DatabaseUrlError(`has a host that cannot be read; ${ESCAPE_HINT}`)
  return { ...(host && { host }), ...(port && { port: portOf(port) }) }
}

/** `host=a,b&port=1,2`: as many ports as hosts, or one for all. */
function hostsOf(authority: string, parameters: Parameters): DatabaseHost[] {
  const inAuthority = authority.split(',').map(parseHost)
  const ports = parameters.get('port')?.split(',') ?? []
  const names = parameters.get('host')?.split(',')
  const hosts: DatabaseHost[] = names ? names.map((host) => ({ ...(host && { host }) })) : inAuthority
  if (ports.length > 1 && ports.length !== hosts.length) {
    throw new DatabaseUrlError(`names ${hosts.length} hosts and ${ports.length} ports`)
  }
  return hosts.map((one, n) => {
    const port = portOf(ports.length > 1 ? ports[n] : ports[0]) ?? one.port
    return { ...one, ...(port && { port }) }
  })
}

const inMilliseconds = (seconds: string | undefined): number | undefined =>
  seconds && Number(seconds) > 0 ? Number(seconds) * 1000 : undefined

const present = <T extends object>(values: T): T =>
  Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined && value !== '')) as T

// The first @ ends the user: as in libpq, none of these characters stands for itself before it.
const FORM = /^postgres(?:ql)?:\/\/(?:([^@/?]*)@)?([^/?]*)(?:\/([^?]*))?(?:\?(.*))?$/s

/**
 * Reads a connection string as libpq does: several hosts, its parameters, its meaning of `sslmode`.
 * @throws DatabaseUrlError what cannot be read, or is not supported
 */
export function parseDatabaseUrl(text: string): DatabaseUrl {
  const [, userInfo = '', authority = '', path = '', query = ''] = FORM.exec(text) ?? []
  if (!FORM.test(text)) throw new DatabaseUrlError('must begin with postgresql://')
  const parameters = parseParameters(query)
  checkParameters(parameters)
  const colon = userInfo.indexOf(':')
  const user = colon < 0 ? userInfo : userInfo.slice(0, colon)
  return present({
    hosts: hostsOf(authority, parameters),
    user: parameters.get('user') ?? decode(user),
    password: parameters.get('password') ?? (colon < 0 ? undefined : decode(userInfo.slice(colon + 1))),
    database: parameters.get('dbname') ?? decode(path),
    sslMode: (parameters.get('sslmode') ?? (parameters.has('ssl') ? 'require' : 'prefer')) as SslMode,
    sslRootCert: parameters.get('sslrootcert'),
    sslCert: parameters.get('sslcert'),
    sslKey: parameters.get('sslkey'),
    sslPassword: parameters.get('sslpassword'),
    sslMinVersion: parameters.get('ssl_min_protocol_version'),
    sslMaxVersion: parameters.get('ssl_max_protocol_version'),
    sslNegotiation: parameters.get('sslnegotiation') as DatabaseUrl['sslNegotiation'],
    applicationName: parameters.get('application_name'),
    options: parameters.get('options'),
    connectTimeoutMs: inMilliseconds(parameters.get('connect_timeout')),
    keepAlive: parameters.get('keepalives') === '0' ? false : undefined,
    keepAliveIdleMs: inMilliseconds(parameters.get('keepalives_idle')),
    randomOrder: parameters.get('load_balance_hosts') === 'random' ? true : undefined,
    requireChannelBinding: parameters.get('channel_binding') === 'require' ? true : undefined,
  })
}

/** libpq's rule: PGSSLMODE and its like hold where the connection string says nothing. */
export function withTlsEnvironment(url: string, env: Readonly<Record<string, string | undefined>>): string {
  const parameters = parseParameters(FORM.exec(url)?.[4] ?? '')
  const added = ['sslmode', 'sslrootcert', 'sslcert', 'sslkey']
    .filter((name) => env[`PG${name.toUpperCase()}`] && !parameters.has(name))
    .filter((name) => name !== 'sslmode' || !parameters.has('ssl'))
    .map((name) => `${name}=${encodeURIComponent(env[`PG${name.toUpperCase()}`]!)}`)
  return added.length > 0 ? `${url}${url.includes('?') ? '&' : '?'}${added.join('&')}` : url
}
