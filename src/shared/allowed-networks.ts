import { isIP } from 'node:net'
import ipaddr from 'ipaddr.js'

// Networks in CIDR notation (RFC 4632, RFC 4291), such as `192.0.2.0/24` and `2001:db8::/32`. An address alone is a network of one.

/** The most networks of a client or an account. They may be in a claim, so they limit the size of tokens. */
export const MAX_NETWORKS = 50

interface Network {
  readonly address: ipaddr.IPv4 | ipaddr.IPv6
  readonly prefix: number
}

/** Undefined: not a network in CIDR notation. IPv4 addresses within IPv6 are not networks of their own. */
function parseNetwork(text: string): Network | undefined {
  const [address = '', prefix, ...more] = text.split('/')
  const family = isIP(address)
  if (family === 0 || address.includes('%') || more.length > 0) return undefined
  const parsed = ipaddr.parse(address)
  const bits = family === 4 ? 32 : 128
  if (prefix === undefined) return { address: parsed, prefix: bits }
  return /^\d{1,3}$/.test(prefix) && Number(prefix) <= bits ? { address: parsed, prefix: Number(prefix) } : undefined
}

const contains = ({ address, prefix }: Network, inner: Network): boolean =>
  address.kind() === inner.address.kind() &&
  prefix <= inner.prefix &&
  (inner.address as ipaddr.IPv4).match(address as ipaddr.IPv4, prefix)

function firstAddress({ address, prefix }: Network): string {
  const family = address.kind() === 'ipv4' ? ipaddr.IPv4 : ipaddr.IPv6
  return family.networkAddressFromCIDR(`${address}/${prefix}`).toString()
}

function networkError(text: string): string | undefined {
  const network = parseNetwork(text)
  const shown = text.slice(0, 60)
  if (!network)
    return `${shown} is not a network; use an address or CIDR notation, such as 192.0.2.0/24 or 2001:db8::/32`
  if (network.address.kind() === 'ipv6' && (network.address as ipaddr.IPv6).isIPv4MappedAddress())
    return `${shown} is an IPv4 address written as IPv6; write it as IPv4`
  const first = firstAddress(network)
  return first === network.address.toString() ? undefined : `${shown} has host bits; use ${first}/${network.prefix}`
}

/** What is wrong with these allowed networks. Undefined: nothing. */
export function allowedNetworksError(networks: readonly string[]): string | undefined {
  if (networks.length === 0) return 'must name at least one network, or allow any'
  if (networks.length > MAX_NETWORKS) return `must have at most ${MAX_NETWORKS} networks`
  return networks.map(networkError).find((error) => error !== undefined)
}

/** By the list of a registration, which serves many requests. */
const parsedLists = new WeakMap<readonly string[], Network[]>()

function parseNetworks(networks: readonly string[]): Network[] {
  const known = parsedLists.get(networks)
  if (known) return known
  const parsed = networks.map(parseNetwork).filter((network) => network !== undefined)
  parsedLists.set(networks, parsed)
  return parsed
}

const isWithinAny = (inner: Network, networks: readonly string[]): boolean =>
  parseNetworks(networks).some((network) => contains(network, inner))

/** IPv4 written as IPv6 becomes IPv4, as sockets that listen on both write it. */
function parseAddress(ip: string): Network {
  const address = ipaddr.process(ip.split('%', 1)[0]!)
  return { address, prefix: address.kind() === 'ipv4' ? 32 : 128 }
}

/** Whether an address is in one of the networks. @param networks null: any network */
export function isAllowedAddress(networks: readonly string[] | null, ip: string): boolean {
  if (networks === null) return true
  return isIP(ip) !== 0 && isWithinAny(parseAddress(ip), networks)
}

/** Whether a change from `before` to `after` removes an address. Null: any network. */
export function losesNetwork(before: readonly string[] | null, after: readonly string[] | null): boolean {
  if (after === null) return false
  return before === null || before.some((text) => !isWithinAny(parseNetwork(text)!, after))
}

/** The networks that both lists allow. Null: any network. Two networks are disjoint, or one contains the other. */
export function commonNetworks(
  some: readonly string[] | null,
  others: readonly string[] | null,
): readonly string[] | null {
  if (some === null || others === null) return some ?? others
  const within = (inner: readonly string[], outer: readonly string[]) =>
    inner.filter((text) => isWithinAny(parseNetwork(text)!, outer))
  return [...new Set([...within(some, others), ...within(others, some)])]
}
