import { readFileSync } from 'node:fs'
import type { Client } from '../../../clients/clients.ts'
import {
  AUTHORIZATION_CODE_GRANT,
  CLIENT_CREDENTIALS_GRANT,
  DEVICE_CODE_GRANT,
  grantTypesOf,
} from '../../../clients/grant-types.ts'
import type { ConsoleTranslate } from '../../../languages/console/console-translator.ts'
import type { Snippet, SnippetGroup } from '../kit/panels.ts'
import { needsProof } from '../kit/required-proofs.ts'
import { LANGUAGES, type Language } from './snippet-languages.ts'

/** The grant types that a program can begin with, with the folder of their snippets. */
const FOLDERS: Readonly<Record<string, string>> = {
  [AUTHORIZATION_CODE_GRANT]: 'authorization-code',
  [DEVICE_CODE_GRANT]: 'device-code',
  [CLIENT_CREDENTIALS_GRANT]: 'client-credentials',
}

/** The client of a snippet, and what it requests. */
interface SnippetSubject {
  /** The public origin. */
  readonly issuer: string
  readonly client: Pick<
    Client,
    | ('clientId' | 'grants' | 'isPublic' | 'authMethod' | 'redirectUris' | 'apiKeyRequired')
    | ('dpop' | 'certificateBoundAccessTokens' | 'parRequired' | 'signedResponsesRequired')
  >
  /** Its default API with the scopes that it may request there; absent: it has none. */
  readonly api?:
    | { readonly identifier: string; readonly scopes: readonly string[]; readonly dpopRequired: boolean }
    | undefined
  /** Shown this once; absent: the program reads them from the environment. */
  readonly secrets?: { readonly clientSecret: string; readonly apiKey?: string | undefined } | undefined
}

/** With more scopes, a snippet names none: the request is then for all of them. */
const MAX_SCOPES = 10

type Values = Readonly<Record<string, string | undefined>>

function scopeOf({ client, api }: SnippetSubject, grant: string): string | undefined {
  const scopes = api?.scopes ?? []
  if (scopes.length > MAX_SCOPES) return undefined
  const isForUser = grant === AUTHORIZATION_CODE_GRANT && client.grants.includes(grant)
  return [...(isForUser ? ['openid'] : []), ...scopes].join(' ') || undefined
}

function authorizationLink({ client_id, redirect_uri, resource, scope, authorize_url }: Values): string {
  const request = { response_type: 'code', client_id, redirect_uri, resource, scope }
  const given = Object.entries(request).filter((entry): entry is [string, string] => entry[1] !== undefined)
  return `${authorize_url}?${new URLSearchParams(given)}`
}

/** What a snippet says in its language as a text. */
function textsOf(subject: SnippetSubject, grant: string): Values {
  const { issuer, client, api } = subject
  const texts = {
    token_url: `${issuer}/oauth2/token`,
    authorize_url: `${issuer}/oauth2/authorize`,
    device_url: `${issuer}/oauth2/device`,
    client_id: client.clientId,
    redirect_uri: client.redirectUris[0],
    resource: api?.identifier,
    scope: scopeOf(subject, grant),
  }
  return { ...texts, authorize_link: authorizationLink(texts) }
}

/** The environment variables that the program reads, as they stand before its command. */
function environmentOf({ client, secrets }: SnippetSubject): string {
  if (secrets || client.isPublic) return ''
  return client.apiKeyRequired ? 'CLIENT_SECRET=… API_KEY=… ' : 'CLIENT_SECRET=… '
}

/** A secret as a text, or the environment variable that holds it; undefined: the client has none. */
const secretIn = (language: Language, isUsed: boolean, secret: string | undefined, variable: string) =>
  isUsed ? (secret === undefined ? language.variable(variable) : language.literal(secret)) : undefined

function valuesIn(language: Language, subject: SnippetSubject, grant: string): Values {
  const { client, secrets } = subject
  const texts = Object.entries(textsOf(subject, grant))
  return {
    ...Object.fromEntries(texts.map(([name, text]) => [name, text && language.literal(text)])),
    client_secret: secretIn(language, !client.isPublic, secrets?.clientSecret, 'CLIENT_SECRET'),
    api_key: secretIn(language, client.apiKeyRequired, secrets?.apiKey, 'API_KEY'),
    // Marks the lines that only a program with environment variables has.
    environment: environmentOf(subject) === '' ? undefined : '',
  }
}

const PLACEHOLDER = /\{\{(\w+)\}\}/g

/** A line with a value that the client does not have is left out. */
function filled(template: string, values: Values): string {
  const isComplete = (line: string) => [...line.matchAll(PLACEHOLDER)].every(([, name]) => values[name!] !== undefined)
  return template
    .trimEnd()
    .split('\n')
    .filter(isComplete)
    .map((line) => line.replace(PLACEHOLDER, (_, name: string) => values[name]!))
    .join('\n')
}

const templateOf = (folder: string, file: string): string =>
  readFileSync(new URL(`../../../../views/snippets/${folder}/${file}.txt`, import.meta.url), 'utf8')

const snippetIn = (language: Language, subject: SnippetSubject, grant: string): Snippet => ({
  language: language.label,
  file: language.file,
  run: `${environmentOf(subject)}${language.run}`,
  code: filled(templateOf(FOLDERS[grant]!, language.file), valuesIn(language, subject, grant)),
})

/** The snippets have no keys or certificates, make no DPoP proofs, push no request and read no signed response. */
function canUseSnippet({ client, api }: SnippetSubject, grant: string): boolean {
  const { authMethod, parRequired, signedResponsesRequired } = client
  const isSigned = grant === AUTHORIZATION_CODE_GRANT && signedResponsesRequired
  return authMethod === 'client_secret' && !needsProof(client, api) && !parRequired && !isSigned
}

/** Programs that get a token as they stand, in each language, for each grant type of the client that a program can begin with. */
export const snippetGroups = (t: ConsoleTranslate, subject: SnippetSubject): SnippetGroup[] =>
  grantTypesOf(subject.client.grants)
    .filter(({ value }) => Object.hasOwn(FOLDERS, value) && canUseSnippet(subject, value))
    .map(({ value, label }) => ({
      name: FOLDERS[value]!,
      label: t.declared(label),
      snippets: LANGUAGES.map((language) => snippetIn(language, subject, value)),
    }))
