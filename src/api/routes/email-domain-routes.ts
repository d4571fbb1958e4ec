import { z } from 'zod'
import { addEmailDomain, removeEmailDomain, verifyEmailDomain } from '../../management/email-domain-operations.ts'
import { toDomain } from '../../shared/wire-names.ts'
import { type ApiRoute, route } from '../route.ts'
import {
  providerParams,
  providerWithDomains,
  TAG_OF_PROVIDERS,
  viewProviderDetails,
} from './identity-provider-routes.ts'

const domainParams = providerParams.extend({ domain: z.string().max(260) })

export const EMAIL_DOMAIN_ROUTES: readonly ApiRoute[] = [
  route({
    method: 'put',
    path: '/identity-providers/{provider_id}/domains/{domain}',
    operation: addEmailDomain,
    id: 'addEmailDomain',
    tag: TAG_OF_PROVIDERS,
    summary: 'Add an email domain',
    description: 'Its addresses lead to the provider only after it is verified.',
    params: domainParams,
    responses: { 200: providerWithDomains },
    handle: async ({ management, who, params }) => ({
      body: viewProviderDetails(management, await addEmailDomain(management, who, toDomain(params)), who),
    }),
  }),
  route({
    method: 'post',
    path: '/identity-providers/{provider_id}/domains/{domain}/verify',
    operation: verifyEmailDomain,
    id: 'verifyEmailDomain',
    tag: TAG_OF_PROVIDERS,
    summary: 'Verify an email domain',
    description:
      'Addresses of the domain then lead to the provider. An operator vouches that the domain belongs to the account; for others, the TXT record `_keywright.` with the domain must have the value `keywright-identity-provider=` with the ID of the provider.',
    params: domainParams,
    responses: { 200: providerWithDomains },
    handle: async ({ management, who, params }) => ({
      body: viewProviderDetails(management, await verifyEmailDomain(management, who, toDomain(params)), who),
    }),
  }),
  route({
    method: 'delete',
    path: '/identity-providers/{provider_id}/domains/{domain}',
    operation: removeEmailDomain,
    id: 'removeEmailDomain',
    tag: TAG_OF_PROVIDERS,
    summary: 'Remove an email domain',
    params: domainParams,
    responses: { 204: null },
    async handle({ management, who, params }) {
      await removeEmailDomain(management, who, toDomain(params))
      return {}
    },
  }),
]
