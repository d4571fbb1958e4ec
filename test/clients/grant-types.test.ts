/** The table of grant types is the only place that names them: a new row then needs no change elsewhere. */

import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { optionValues } from '../../src/cli/attribute-options.ts'
import { CLIENT_ATTRIBUTES } from '../../src/clients/client-attributes.ts'
import type { Client } from '../../src/clients/clients.ts'
import {
  AUTHORIZATION_CODE_GRANT,
  CLIENT_CREDENTIALS_GRANT,
  DEVICE_CODE_GRANT,
  GRANT_TYPES,
  type GrantType,
  REFRESH_TOKEN_GRANT,
} from '../../src/clients/grant-types.ts'
import { toConsoleEnglish } from '../../src/languages/console/console-translator.ts'
import { stepsOf } from '../../src/web/console/applications/application-command-examples.ts'
import { canTry } from '../../src/web/console/applications/application-frame.ts'
import { snippetGroups } from '../../src/web/console/applications/code-snippets.ts'
import { wordsOf } from '../../src/web/console/dashboard/usage-text.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const textOf = (file: string): string => readFileSync(join(ROOT, file), 'utf8')

/** The files that may name grant types, each with the reason. */
const MAY_NAME: Readonly<Record<string, string>> = {
  'src/clients/grant-types.ts': 'the table',
  'src/cli/commands/client-commands.ts': 'examples in the help, as they are typed',
  'src/identity-providers/provider-metadata.ts': 'a grant type of the provider',
  'src/leaks/leak-patterns.ts': 'the kinds of leaked credentials',
  'src/leaks/leaked-credentials.ts': 'the kind of a leaked credential',
  'src/leaks/recognized-leaks.ts': 'the kind of a leaked credential',
  'views/api-docs/begin.eta': 'an example, as it is typed',
}

const ROWS: readonly GrantType[] = GRANT_TYPES
const NAMES = [...new Set(ROWS.flatMap(({ value, shortName }) => [value, shortName ?? value]))]
const PARAMETERS: readonly string[] = GRANT_TYPES.flatMap(({ parameters }) => parameters)

const oneOf = (names: readonly string[]): string => `(?:${names.join('|')})`
const ANY = oneOf(NAMES)

/** A comparison, a value of `grant_type`, a list, a URN, or a member of a record. Prose may name one grant type. */
const NAMED = [
  // Before a colon it is a member of JSON, such as refresh_token.
  new RegExp(`(['"\`])${ANY}\\1(?!:)`),
  new RegExp(`grant_type(?:=|: ?['"\`])${ANY}\\b`),
  new RegExp(`\\b${ANY}[,\\s]+${ANY}\\b`),
  /urn:ietf:params:oauth:grant-type:/,
  // Members that are also names of parameters, such as refresh_token, occur in responses.
  new RegExp(`^\\s*${oneOf(NAMES.filter((name) => !PARAMETERS.includes(name)))}:`),
]

const withoutComments = (source: string): string =>
  source.replace(/\/\*[\s\S]*?\*\//g, (comment) => comment.replace(/[^\n]/g, '')).replace(/^\s*\/\/.*/gm, '')

const linesNaming = (file: string): string[] =>
  withoutComments(textOf(file))
    .split('\n')
    .flatMap((line, index) =>
      NAMED.some((pattern) => pattern.test(line)) ? [`${file}:${index + 1}: ${line.trim()}`] : [],
    )

const FILES = ['src/**/*.ts', 'views/**/*.eta'].flatMap((pattern) => globSync(pattern, { cwd: ROOT })).sort()

test('only the table names grant types', () => {
  const lines = FILES.filter((file) => !(file in MAY_NAME)).flatMap(linesNaming)
  expect(lines, 'derive it from a row of src/clients/grant-types.ts, or import its constant').toEqual([])
})

test.each(Object.keys(MAY_NAME))('%s still needs its permission to name grant types', (file) => {
  expect(linesNaming(file)).not.toEqual([])
})

test('the command line accepts the short name of a grant type and its value', () => {
  const grants = ['device_code', DEVICE_CODE_GRANT, CLIENT_CREDENTIALS_GRANT, 'password'].join(' ')
  expect(optionValues(CLIENT_ATTRIBUTES, { grants }).grants).toEqual([
    DEVICE_CODE_GRANT,
    DEVICE_CODE_GRANT,
    CLIENT_CREDENTIALS_GRANT,
    'password',
  ])
})

const requestsOf = (grants: readonly string[], more: Partial<Client> = {}) =>
  stepsOf(
    toConsoleEnglish(),
    'https://id.example',
    {
      clientId: 'kwc_1',
      grants,
      authMethod: 'client_secret',
      redirectUris: ['https://app.example/cb'],
      dpop: 'optional',
      ...more,
    } as unknown as Client,
    ['read'],
  ).slice(1)

test('the page of an application shows the token request of a grant type that has no earlier request', () => {
  expect(requestsOf([CLIENT_CREDENTIALS_GRANT, REFRESH_TOKEN_GRANT])).toEqual([
    {
      label: 'Client credentials request',
      value:
        'curl --silent --user kwc_1:CLIENT_SECRET --data grant_type=client_credentials https://id.example/oauth2/token',
    },
  ])
})

test('the page of an application shows what it must push, sign and prove', () => {
  const required = { parRequired: true, requestObjectsRequired: true, dpop: 'required' } as const
  const [pushed, begin, redemption] = requestsOf([AUTHORIZATION_CODE_GRANT], required).map(({ value }) => value)
  expect(pushed).toBe(
    'curl --silent --user kwc_1:CLIENT_SECRET --data "client_id=kwc_1&request=SIGNED_REQUEST" https://id.example/oauth2/par',
  )
  expect(begin).toBe('https://id.example/oauth2/authorize?client_id=kwc_1&request_uri=REQUEST_URI')
  expect(redemption).toContain('--header "DPoP: DPOP_PROOF"')
  const signed = requestsOf([AUTHORIZATION_CODE_GRANT], { requestObjectsRequired: true })[0]!.value
  expect(signed).toBe('https://id.example/oauth2/authorize?client_id=kwc_1&request=SIGNED_REQUEST')
  const optional = requestsOf([AUTHORIZATION_CODE_GRANT]).map(({ value }) => value)
  expect(optional[0]).toContain('response_type=code')
  expect(optional.join()).not.toContain('DPOP_PROOF')
  expect(optional[0]).not.toContain('response_mode')
  const answered = requestsOf([AUTHORIZATION_CODE_GRANT], { signedResponsesRequired: true })[0]!.value
  expect(answered).toContain('&response_mode=jwt')
})

test('an application that must push or prove is shown no program that does neither, and no try', () => {
  const plain = { clientId: 'kwc_1', grants: [CLIENT_CREDENTIALS_GRANT], authMethod: 'client_secret', dpop: 'optional' }
  const clientWith = (more: Partial<Client>) =>
    ({ ...plain, isPublic: false, redirectUris: [], apiKeyRequired: false, parRequired: false, ...more }) as Client
  const shownFor = (more: Partial<Client>) => {
    const client = clientWith(more)
    const groups = snippetGroups(toConsoleEnglish(), { issuer: 'https://id.example', client })
    return [groups.length, canTry(client)]
  }
  expect(shownFor({})).toEqual([1, true])
  expect(shownFor({ dpop: 'nonce' })).toEqual([0, false])
  expect(shownFor({ parRequired: true })).toEqual([0, true])
  const grants = [AUTHORIZATION_CODE_GRANT, CLIENT_CREDENTIALS_GRANT]
  expect(shownFor({ grants, signedResponsesRequired: true })).toEqual([1, true])
})

describe.each(GRANT_TYPES)('the grant type $value', ({ value, label, actsFor }) => {
  test('is in the OpenAPI document', () => {
    expect(textOf('docs/openapi.json')).toContain(value)
  })

  test('is in the reference of the command line by its name', () => {
    const { shortName: name = value } = ROWS.find((row) => row.value === value)!
    expect(textOf('docs/cli.md')).toMatch(new RegExp(`Grant types, space-separated: .*\\b${name}\\b`))
  })

  test.skipIf(actsFor === null)('has a request on the page of an application', () => {
    expect(requestsOf([value])).not.toEqual([])
  })

  test('has words on the usage page', () => {
    const words = wordsOf(toConsoleEnglish(), 'issued', value)
    expect([words?.whole, words?.brief.toLowerCase()]).toEqual([label, label.toLowerCase()])
  })
})
