import { describe, expect, test } from 'vitest'
import {
  allowedNetworksError,
  commonNetworks,
  isAllowedAddress,
  losesNetwork,
  MAX_NETWORKS,
} from '../../src/shared/allowed-networks.ts'

describe('allowed networks', () => {
  test.each([
    ['192.0.2.0/24', '192.0.2.255'],
    ['192.0.2.7', '192.0.2.7'],
    ['192.0.2.7/32', '::ffff:192.0.2.7'],
    ['0.0.0.0/0', '203.0.113.9'],
    ['2001:db8::/32', '2001:db8:ffff::1'],
    ['2001:DB8:0:0::1', '2001:db8::1'],
    ['fe80::/10', 'fe80::1%eth0'],
  ])('%s contains %s', (network, address) => {
    expect(allowedNetworksError([network])).toBeUndefined()
    expect(isAllowedAddress([network], address)).toBe(true)
  })

  test.each([
    ['192.0.2.0/24', '192.0.3.0'],
    ['192.0.2.7', '192.0.2.8'],
    ['0.0.0.0/0', '2001:db8::1'],
    ['::/0', '192.0.2.1'],
    ['2001:db8::/32', '2001:db9::1'],
    ['192.0.2.0/24', 'unknown'],
    ['192.0.2.0/24', ''],
  ])('%s does not contain %s', (network, address) => {
    expect(isAllowedAddress([network], address)).toBe(false)
  })

  test.each([
    ['10.0.0.1/8', '10.0.0.1/8 has host bits; use 10.0.0.0/8'],
    ['2001:db8::1/32', '2001:db8::1/32 has host bits; use 2001:db8::/32'],
    ['::ffff:192.0.2.0/120', '::ffff:192.0.2.0/120 is an IPv4 address written as IPv6; write it as IPv4'],
  ])('%s is refused with the reason', (network, message) => {
    expect(allowedNetworksError([network])).toBe(message)
  })

  test.each([
    '192.0.2.0/33',
    '2001:db8::/129',
    '192.0.2/24',
    '192.0.2.0/',
    '192.0.2.0/-1',
    '192.0.2.0/24/8',
    '0x7f.1',
    '010.0.0.0/8',
    'fe80::1%eth0',
    'example.com',
    'a\0b',
    'x'.repeat(60_000),
  ])('%.40j is not a network', (network) => {
    expect(allowedNetworksError([network])).toMatch(/is not a network; use an address or CIDR notation/)
  })

  test('have bounds', () => {
    expect(allowedNetworksError([])).toMatch(/at least one network/)
    expect(allowedNetworksError(Array(MAX_NETWORKS).fill('192.0.2.1'))).toBeUndefined()
    expect(allowedNetworksError(Array(MAX_NETWORKS + 1).fill('192.0.2.1'))).toMatch(/at most 50/)
  })

  test('lose a network when one of them is no longer within them', () => {
    expect(losesNetwork(null, ['192.0.2.0/24'])).toBe(true)
    expect(losesNetwork(['192.0.2.0/24'], ['192.0.2.0/25'])).toBe(true)
    expect(losesNetwork(['192.0.2.0/24', '2001:db8::/32'], ['192.0.2.0/24'])).toBe(true)
    expect(losesNetwork(['192.0.2.0/24'], ['192.0.0.0/16', '2001:db8::/32'])).toBe(false)
    expect(losesNetwork(['192.0.2.0/24'], null)).toBe(false)
    expect(losesNetwork(null, null)).toBe(false)
  })

  test('of a client and of its account have in common what both contain', () => {
    expect(commonNetworks(null, ['192.0.2.0/24'])).toEqual(['192.0.2.0/24'])
    expect(commonNetworks(['192.0.2.0/25', '10.0.0.0/8'], ['192.0.2.0/24', '10.1.0.0/16'])).toEqual([
      '192.0.2.0/25',
      '10.1.0.0/16',
    ])
    expect(commonNetworks(['192.0.2.0/25'], ['192.0.2.128/25'])).toEqual([])
    expect(commonNetworks(null, null)).toBeNull()
  })
})
