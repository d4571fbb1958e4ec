import { expect, test } from 'vitest'
import { clientIdUrlError, hostError, hostOfClientId } from '../../src/clients/client-id-urls.ts'

test.each([
  'https://app.example.com/client.json',
  'https://app.example.com/',
  'https://app.example.com:8443/client.json',
  'https://app.example.com/client?version=2',
  'https://app.example.com/a.b/..c/.d',
  `https://app.example.com/${'x'.repeat(176)}`,
])('%s can be a client ID', (url) => {
  expect(clientIdUrlError(url)).toBeUndefined()
})

test.each([
  ['http://app.example.com/client.json', 'https'],
  ['HTTPS://app.example.com/client.json', 'https'],
  ['https:app.example.com/client.json', 'https'],
  ['urn:example:client', 'https'],
  ['', 'https'],
  ['https://', 'no valid URL'],
  ['https://app.example.com:99999/client.json', 'no valid URL'],
  ['https://app example.com/client.json', 'no valid URL'],
  ['https://app.example.com', 'path'],
  ['https://app.example.com?client', 'path'],
  ['https://app.example.com/a/../client.json', 'normalized'],
  ['https://app.example.com/./client.json', 'normalized'],
  ['https://app.example.com/%2e%2E/client.json', 'normalized'],
  ['https://app.example.com/.', 'normalized'],
  ['https://APP.example.com/client.json', 'normalized'],
  ['https://app.example.com:443/client.json', 'normalized'],
  ['https://аpp.example.com/client.json', 'normalized'],
  ['https://app.example.com\\client.json', 'normalized'],
  ['https:///app.example.com/client.json', 'normalized'],
  ['https://app.example.com/cl ient.json', 'normalized'],
  ['https://app.example.com/client.json\n', 'normalized'],
  ['https://app.example.com/client\0', 'normalized'],
  ['https://app.example.com/client\ud800', 'normalized'],
  ['https://app.example.com/client.json#part', 'fragment'],
  ['https://app.example.com/client.json#', 'fragment'],
  ['https://user@app.example.com/client.json', 'user name'],
  ['https://user:word@app.example.com/client.json', 'user name'],
  ['https://@app.example.com/client.json', 'normalized'],
  ['https://192.0.2.1/client.json', 'address'],
  ['https://2130706433/client.json', 'normalized'],
  ['https://[2001:db8::1]/client.json', 'address'],
  ['https://*.example.com/client.json', 'name of a host'],
  [`https://app.example.com/${'x'.repeat(177)}`, 'at most 200'],
])('%j cannot be a client ID', (url, reason) => {
  expect(clientIdUrlError(url)).toContain(reason)
})

test('the host of a client ID has its port', () => {
  expect(hostOfClientId('https://app.example.com:8443/client.json')).toBe('app.example.com:8443')
  expect(hostOfClientId('https://app.example.com/client.json')).toBe('app.example.com')
})

test('an allowed host is written as client IDs have it', () => {
  for (const host of ['app.example.com', 'app.example.com:8443', 'localhost', 'xn--pp-uia.example'])
    expect(hostError(host)).toBeUndefined()
  for (const host of [
    '',
    'APP.example.com',
    'app.example.com:443',
    'app.example.com/',
    'https://app.example.com',
    'user@app.example.com',
    '*.example.com',
    '192.0.2.1',
    '[2001:db8::1]',
    'äpp.example',
    'a b',
    'app.example.com\\x',
    'app.example.com?x',
    'app.example.com#x',
  ])
    expect(hostError(host), host).toMatch(/is no host/)
})
