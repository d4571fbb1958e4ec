import { addEmailDomain, removeEmailDomain, verifyEmailDomain } from '../../../management/email-domain-operations.ts'
import {
  createIdentityProvider,
  deleteIdentityProvider,
  setIdentityProviderStatus,
  testIdentityProvider,
  updateIdentityProvider,
} from '../../../management/identity-provider-operations.ts'
import { listIdentityProviders, readIdentityProvider } from '../../../management/identity-provider-reading.ts'
import type { RequiredPermission } from '../../../management/operation.ts'
import type { ConsoleRoute } from '../kit/console-route.ts'
import {
  addDomain,
  askDomain,
  askDomainRemoval,
  removeDomain,
  showDomain,
  verifyDomainNow,
} from './email-domain-pages.ts'
import {
  askProviderDeletion,
  askProviderStatus,
  askProviderTest,
  changeProviderStatus,
  deleteProvider,
  testProvider,
} from './provider-action-pages.ts'
import {
  addProvider,
  askProvider,
  askProviderChange,
  askProviderSecret,
  changeProvider,
  replaceProviderSecret,
} from './provider-form-pages.ts'
import { showProviders } from './provider-list-page.ts'
import { showProvider } from './provider-page.ts'
import { PROVIDERS_PATH } from './provider-texts.ts'

type Handle = ConsoleRoute['handle']

/** A page that asks, and the POST that does it. Both require a recent sign-in, as the operation does. */
const step = (path: string, permission: RequiredPermission, ask: Handle, act: Handle): ConsoleRoute[] => [
  { method: 'get', path, permission, handle: ask },
  { method: 'post', path, permission, handle: act },
]

const ONE = `${PROVIDERS_PATH}/:providerId`
const DOMAIN = `${ONE}/domains/:domain`

export const PROVIDER_PAGES: readonly ConsoleRoute[] = [
  { method: 'get', path: PROVIDERS_PATH, permission: listIdentityProviders.permission, handle: showProviders },
  ...step(`${PROVIDERS_PATH}/new`, createIdentityProvider.permission, askProvider, addProvider),
  { method: 'get', path: ONE, permission: readIdentityProvider.permission, handle: showProvider },
  ...step(`${ONE}/edit`, updateIdentityProvider.permission, askProviderChange, changeProvider),
  ...step(`${ONE}/secret`, updateIdentityProvider.permission, askProviderSecret, replaceProviderSecret),
  ...step(`${ONE}/status`, setIdentityProviderStatus.permission, askProviderStatus, changeProviderStatus),
  ...step(`${ONE}/test`, testIdentityProvider.permission, askProviderTest, testProvider),
  ...step(`${ONE}/delete`, deleteIdentityProvider.permission, askProviderDeletion, deleteProvider),
  ...step(`${ONE}/domains/new`, addEmailDomain.permission, askDomain, addDomain),
  { method: 'get', path: DOMAIN, permission: readIdentityProvider.permission, handle: showDomain },
  { method: 'post', path: `${DOMAIN}/verify`, permission: verifyEmailDomain.permission, handle: verifyDomainNow },
  ...step(`${DOMAIN}/remove`, removeEmailDomain.permission, askDomainRemoval, removeDomain),
]
