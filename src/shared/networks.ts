import { isIP } from 'node:net'
import ipaddr from 'ipaddr.js'

/**
 * The network that requests are counted by: an IPv4 address itself; of an IPv6 address its /64, because a subscriber has a
 * whole one. Every text that is no address belongs to one network, so that nobody gets a new one by changing it.
 */
export function networkOf(ip: string): string {
  if (!isIP(ip)) return 'unknown'
  const address = ipaddr.process(ip)
  return address.kind() === 'ipv4' ? address.toString() : Buffer.from(address.toByteArray().slice(0, 8)).toString('hex')
}

/** An address in its usual spelling; IPv4 written as IPv6 becomes IPv4. Undefined for what is no address. */
export function normalizeAddress(text: string): string | undefined {
  if (!isIP(text)) return undefined
  const address = ipaddr.process(text.split('%', 1)[0]!)
  return address.toString()
}

export function isLoopbackAddress(ip: string): boolean {
  return isIP(ip) !== 0 && ipaddr.process(ip).range() === 'loopback'
}

/** @param hostname as in a URL: IPv6 in brackets */
export const isLoopbackHost = (hostname: string): boolean =>
  hostname === 'localhost' || isLoopbackAddress(hostname.replace(/^\[(.*)\]$/, '$1'))
