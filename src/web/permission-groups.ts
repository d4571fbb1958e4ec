import type { DescribedScope } from '../apis/scope-texts.ts'
import type { Translate } from '../languages/translator.ts'
import { MANAGEMENT_API, type ManagementScope } from '../management/management-scopes.ts'
import { MANAGEMENT_PERMISSIONS } from './management-permissions.ts'
import type { Wanted } from './sign-in-flow.ts'

/** One thing that an application may do, in users's words. */
interface Permission {
  readonly title: string
  readonly description?: string
  /** The language tag of an operator's text, empty if it is unknown; absent: the language of the page. */
  readonly lang?: string
}

/** What is asked for in one place. */
interface PermissionGroup {
  readonly heading: string
  readonly permissions: readonly Permission[]
}

type Described = (t: Translate) => Permission

const NAME: Described = (t) => ({ title: t('permission.name') })
const LANGUAGE: Described = (t) => ({ title: t('permission.language') })
const PROFILE: Described = (t) => ({ title: t('permission.profile') })
const EMAIL: Described = (t) => ({ title: t('permission.email') })
const OFFLINE: Described = (t) => ({ title: t('permission.offline'), description: t('permission.offlineDetail') })
const WHO: Described = (t) => ({ title: t('permission.identity'), description: t('permission.identityDetail') })

const BY_SCOPE: Readonly<Record<string, Described>> = { profile: PROFILE, email: EMAIL, offline_access: OFFLINE }

/** OpenID Connect Core, section 5.1. */
const BY_CLAIM: Readonly<Record<string, Described>> = {
  email: EMAIL,
  email_verified: EMAIL,
  // What users sign in with, and that is their address.
  preferred_username: EMAIL,
  name: NAME,
  given_name: NAME,
  family_name: NAME,
  nickname: NAME,
  locale: LANGUAGE,
}

const unnamed =
  (name: string): Described =>
  (t) => ({ title: t('permission.claim', { claim: name.replaceAll('_', ' ') }) })

/** Claims that say nothing about a user beyond that it is them. */
const PLAIN_CLAIMS = new Set(['sub', 'acr', 'amr', 'auth_time', 'sid', 'iss'])

type AboutUser = Pick<Wanted, 'identityScopes' | 'claims'>

/** Each thing once, however it was asked for. */
function aboutYou(t: Translate, { identityScopes, claims }: AboutUser): Permission[] {
  const asked = identityScopes.filter((scope) => scope !== 'openid')
  const single = claims.filter((claim) => !PLAIN_CLAIMS.has(claim))
  const found = [
    ...asked.map((scope) => BY_SCOPE[scope] ?? unnamed(scope)),
    ...single.map((claim) => BY_CLAIM[claim] ?? unnamed(claim)),
  ]
  const tellsWho = found.some((permission) => permission !== OFFLINE)
  const who = identityScopes.includes('openid') && !tellsWho ? [WHO] : []
  const permissions = [...who, ...found].map((describe) => describe(t))
  return [...new Map(permissions.map((permission) => [permission.title, permission])).values()]
}

/** The address of an API without what says nothing to users. */
const apiName = (identifier: string): string => identifier.replace(/^https?:\/\//, '').replace(/\/$/, '')

const isManagementScope = (scope: string): scope is ManagementScope => Object.hasOwn(MANAGEMENT_PERMISSIONS, scope)

/** The built-in scopes have texts of their own in every language. */
function managementGroup(t: Translate, scopes: readonly string[]): PermissionGroup {
  const permissions = scopes.map((scope) => ({
    title: isManagementScope(scope) ? t(MANAGEMENT_PERMISSIONS[scope]) : scope,
  }))
  return { heading: t('permission.management'), permissions }
}

function groupOf(t: Translate, api: string, all: readonly DescribedScope[]): PermissionGroup {
  const texts = all.filter((text) => text.api === api)
  if (api === MANAGEMENT_API)
    return managementGroup(
      t,
      texts.map(({ scope }) => scope),
    )
  const permissions = texts.map(({ title, description, language }) => ({
    title,
    description: description || undefined,
    lang: language ?? '',
  }))
  return { heading: apiName(api), permissions }
}

/** First about the user, then at each API that the texts are of. Empty when it is about nothing. */
export function permissionGroups(t: Translate, about: AboutUser, texts: readonly DescribedScope[]): PermissionGroup[] {
  const you = aboutYou(t, about)
  const apis = [...new Set(texts.map(({ api }) => api))].map((api) => groupOf(t, api, texts))
  return [...(you.length > 0 ? [{ heading: t('permission.aboutYou'), permissions: you }] : []), ...apis]
}
