import type { DescribedScope } from '../apis/scope-texts.ts'
import type { Wanted } from './sign-in-flow.ts'

/** One thing that an application may do, in users's words. */
interface Permission {
  readonly title: string
  readonly description?: string
}

/** What is asked for in one place. */
interface PermissionGroup {
  readonly heading: string
  readonly permissions: readonly Permission[]
}

const NAME: Permission = { title: 'See your name' }
const EMAIL: Permission = { title: 'See your email address' }
const OFFLINE: Permission = {
  title: 'Keep access while you are signed out',
  description: 'The application keeps access until you revoke it.',
}
const WHO: Permission = {
  title: 'Identify you',
  description: 'The application recognises your account but sees no personal data.',
}

const BY_SCOPE: Readonly<Record<string, Permission>> = { profile: NAME, email: EMAIL, offline_access: OFFLINE }

/** OpenID Connect Core, section 5.1. */
const BY_CLAIM: Readonly<Record<string, Permission>> = {
  email: EMAIL,
  email_verified: EMAIL,
  // What users sign in with, and that is their address.
  preferred_username: EMAIL,
  name: NAME,
  given_name: NAME,
  family_name: NAME,
  nickname: NAME,
}

const unnamed = (name: string): Permission => ({ title: `See your ${name.replaceAll('_', ' ')}` })

/** Claims that say nothing about a user beyond that it is them. */
const PLAIN_CLAIMS = new Set(['sub', 'acr', 'amr', 'auth_time', 'sid', 'iss'])

type AboutUser = Pick<Wanted, 'identityScopes' | 'claims'>

/** Each thing once, however it was asked for. */
function aboutYou({ identityScopes, claims }: AboutUser): Permission[] {
  const asked = identityScopes.filter((scope) => scope !== 'openid')
  const single = claims.filter((claim) => !PLAIN_CLAIMS.has(claim))
  const found = [
    ...asked.map((scope) => BY_SCOPE[scope] ?? unnamed(scope)),
    ...single.map((claim) => BY_CLAIM[claim] ?? unnamed(claim)),
  ]
  const tellsWho = found.some((permission) => permission !== OFFLINE)
  const who = identityScopes.includes('openid') && !tellsWho ? [WHO] : []
  return [...new Map([...who, ...found].map((permission) => [permission.title, permission])).values()]
}

/** The address of an API without what says nothing to users. */
const apiName = (identifier: string): string => identifier.replace(/^https?:\/\//, '').replace(/\/$/, '')

function groupOf(api: string, texts: readonly DescribedScope[]): PermissionGroup {
  const permissions = texts
    .filter((text) => text.api === api)
    .map(({ scope, title, description }) => ({ title: title || scope, description: description || undefined }))
  return { heading: apiName(api), permissions }
}

/** First about the user, then at each API that the texts are of. Empty when it is about nothing. */
export function permissionGroups(about: AboutUser, texts: readonly DescribedScope[]): PermissionGroup[] {
  const you = aboutYou(about)
  const apis = [...new Set(texts.map(({ api }) => api))].map((api) => groupOf(api, texts))
  return [...(you.length > 0 ? [{ heading: 'About you', permissions: you }] : []), ...apis]
}
