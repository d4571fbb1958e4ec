import ipaddr from 'ipaddr.js'

/**
 * The network that an address belongs to, as one that requests are counted by: an IPv4 address itself, and of an IPv6
 * address its /64, because a subscriber has a whole one. A text that is no address is returned as it is.
 */
export function networkOf(ip: string): string {
  if (!ipaddr.isValid(ip)) return ip
  const address = ipaddr.process(ip)
  return address.kind() === 'ipv4' ? address.toString() : Buffer.from(address.toByteArray().slice(0, 8)).toString('hex')
}
