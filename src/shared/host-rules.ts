import { isIP } from 'node:net'
import ipaddr from 'ipaddr.js'

type Address = ReturnType<typeof ipaddr.process>

/** Hosts that an operator named: by name or by addresses, on one port or on all. */
export interface HostRule {
  /** As a URL would spell it. */
  readonly name?: string
  readonly range?: readonly [Address, number]
  readonly port?: number
}

/** An IPv4-mapped IPv6 address is the IPv4 address: both connect to the same host. */
export const parseAddress = (text: string): Address => ipaddr.process(text)

// What is assigned worldwide; ipaddr.js takes for unicast whatever has no other name, 127.0.0.1 as ::7f00:1 included.
const GLOBAL_UNICAST = ipaddr.parseCIDR('2000::/3')

/** Whether an address is of the public Internet: not private, local, multicast, reserved or a way into IPv4. */
export function isPublicAddress(address: Address): boolean {
  const assigned = address.kind() === 'ipv4' || address.match(GLOBAL_UNICAST as never)
  return assigned && address.range() === 'unicast'
}

function addressRule(text: string, prefix?: number, port?: number): HostRule {
  const address = parseAddress(text)
  return { range: [address, prefix ?? address.toByteArray().length * 8], port }
}

function networkRule(text: string): HostRule | undefined {
  const [, address = '', prefix = ''] = /^(.+)\/(\d{1,3})$/.exec(text) ?? []
  // Its length would count the 96 bits that reading it as IPv4 takes away.
  if (!isIP(address) || /^::ffff:/i.test(address)) return undefined
  return Number(prefix) <= (isIP(address) === 4 ? 32 : 128) ? addressRule(address, Number(prefix)) : undefined
}

function hostRule(text: string): HostRule | undefined {
  const [, port] = /:(\d{1,5})$/.exec(text) ?? []
  const url = URL.parse(`http://${text}`)
  if (!url || Number(port) === 0 || text !== text.replace(/[\s/\\?#@]/g, '') || /:$/.test(text)) return undefined
  const bare = url.hostname.replace(/^\[(.+)\]$/, '$1')
  const onPort = port === undefined ? undefined : Number(port)
  if (isIP(bare)) return addressRule(bare, undefined, onPort)
  return /^[a-z0-9_][a-z0-9_.-]*$/.test(bare) ? { name: bare, port: onPort } : undefined
}

/** Reads `name`, `name:port`, an address (IPv6 with a port in brackets) or a network as `address/length`. */
export function parseHostRule(text: string): HostRule | undefined {
  if (isIP(text)) return addressRule(text)
  return text.includes('/') ? networkRule(text) : hostRule(text)
}

const covers = ({ range }: HostRule, address: Address): boolean =>
  range?.[0].kind() === address.kind() && address.match(range as never)

/** Whether any rule names this host, or the address that it has, on this port. */
export function namesHost(rules: readonly HostRule[], name: string, address: Address, port: number): boolean {
  const onPort = rules.filter((rule) => rule.port === undefined || rule.port === port)
  return onPort.some((rule) => rule.name === name || covers(rule, address))
}
