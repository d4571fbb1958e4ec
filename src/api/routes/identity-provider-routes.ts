import { z } from 'zod'
import {
  IDENTITY_PROVIDER_ATTRIBUTES,
  IDENTITY_PROVIDER_STATUS,
} from '../../identity-providers/identity-provider-attributes.ts'
import type { IdentityProvider, IdentityProviderValues } from '../../identity-providers/identity-providers.ts'
import {
  createIdentityProvider,
  deleteIdentityProvider,
  setIdentityProviderStatus,
  testIdentityProvider,
  updateIdentityProvider,
} from '../../management/identity-provider-operations.ts'
import {
  type IdentityProviderDetails,
  listIdentityProviders,
  readIdentityProvider,
} from '../../management/identity-provider-reading.ts'
import type { Management } from '../../management/operation.ts'
import type { Principal } from '../../management/principal.ts'
import { toDomain, toWire } from '../../shared/wire-names.ts'
import { attributeSchemas, creationSchemas, fromWireValues, toWireValues } from '../attribute-schemas.ts'
import { id, idText, pageOf, pageQuery, revision, timestamp, viewPage } from '../fields.ts'
import { type ApiRoute, route } from '../route.ts'

export const TAG_OF_PROVIDERS = 'Identity providers'

export const providerParams = z.strictObject({ provider_id: id })

const identityProvider = z
  .object({
    id: idText,
    account_id: idText.nullable().meta({ description: 'null: of the instance' }),
    ...attributeSchemas(IDENTITY_PROVIDER_ATTRIBUTES),
    ...attributeSchemas(IDENTITY_PROVIDER_STATUS),
    backchannel_logout_uri: z
      .string()
      .meta({ description: 'Where the provider announces sign-outs (Back-Channel Logout)' }),
    post_logout_redirect_uri: z
      .string()
      .meta({ description: 'Where the provider sends browsers after a sign-out (RP-Initiated Logout)' }),
    redirect_uri: z.string().meta({
      description: 'The redirect URI that the provider must know',
      examples: ['https://login.example.com/signin/callback/019a7f3e-6c1b-7d52-9a54-3f1c2b7e8d90'],
    }),
    created_at: timestamp,
    revision,
  })
  .meta({ id: 'IdentityProvider' })

const emailDomain = z.object({
  domain: z.string().meta({ examples: ['example.com'] }),
  verified_at: timestamp.nullable().meta({ description: 'null: it leads nobody to the provider' }),
  verified_elsewhere: z.boolean().meta({ description: 'Verified for another provider that the caller may see' }),
})

export const providerWithDomains = identityProvider
  .extend({ domains: z.array(emailDomain) })
  .meta({ id: 'IdentityProviderWithDomains' })

const clientSecret = z
  .string()
  .max(1000)
  .meta({ description: 'The client secret of Keywright at the provider; no response has it' })

const creation = z
  .strictObject({
    account_id: id.optional().meta({ description: 'For operators; absent: the instance. Admins: the own account' }),
    client_secret: clientSecret,
    ...creationSchemas(IDENTITY_PROVIDER_ATTRIBUTES),
  })
  .meta({
    id: 'NewIdentityProvider',
    examples: [
      { name: 'Acme', issuer: 'https://login.example.com', client_id: 'keywright', client_secret: 'a-client-secret' },
    ],
  })

const { issuer: _issuer, ...changeable } = attributeSchemas(IDENTITY_PROVIDER_ATTRIBUTES)

const change = z
  .strictObject({ ...changeable, client_secret: clientSecret })
  .partial()
  .meta({ id: 'IdentityProviderChange', examples: [{ creates_users: true, new_user_role: 'developer' }] })

const DESCRIBED = { ...IDENTITY_PROVIDER_ATTRIBUTES, ...IDENTITY_PROVIDER_STATUS }

function view({ upstream }: Management, one: IdentityProvider, who: Principal) {
  const { id, accountId, createdAt, revision } = one
  const uris = {
    redirectUri: upstream!.redirectUri(id),
    backchannelLogoutUri: upstream!.logoutUri(id),
    postLogoutRedirectUri: upstream!.postLogoutUri(id),
  }
  return { ...toWireValues(DESCRIBED, one, who), ...toWire({ id, accountId, ...uris, createdAt, revision }) }
}

export const viewProviderDetails = (management: Management, one: IdentityProviderDetails, who: Principal) => ({
  ...view(management, one, who),
  domains: one.domains.map((domain) => toWire(domain)),
})

const statusRoute = (status: IdentityProvider['status'], verb: string, description: string): ApiRoute =>
  route({
    method: 'post',
    path: `/identity-providers/{provider_id}/${verb}`,
    operation: setIdentityProviderStatus,
    id: `${verb}IdentityProvider`,
    tag: TAG_OF_PROVIDERS,
    summary: `${verb === 'enable' ? 'Enable' : 'Disable'} an identity provider`,
    description,
    params: providerParams,
    responses: { 200: providerWithDomains },
    handle: async ({ management, who, params }) => ({
      body: viewProviderDetails(
        management,
        await setIdentityProviderStatus(management, who, { ...toDomain(params), status }),
        who,
      ),
    }),
  })

export const IDENTITY_PROVIDER_ROUTES: readonly ApiRoute[] = [
  route({
    method: 'get',
    path: '/identity-providers',
    operation: listIdentityProviders,
    id: 'listIdentityProviders',
    tag: TAG_OF_PROVIDERS,
    summary: 'List identity providers, newest first',
    query: z.strictObject({ account_id: id.optional(), ...pageQuery }),
    responses: { 200: pageOf(identityProvider) },
    handle: async ({ management, who, query }) => ({
      body: viewPage(await listIdentityProviders(management, who, toDomain(query)), (one) =>
        view(management, one, who),
      ),
    }),
  }),
  route({
    method: 'post',
    path: '/identity-providers',
    operation: createIdentityProvider,
    id: 'createIdentityProvider',
    tag: TAG_OF_PROVIDERS,
    summary: 'Create an identity provider',
    description:
      'Users then sign in through this OpenID provider. Its metadata is read first. Identity providers decide who signs in, so of the programs only an application of the instance that acts for itself may manage them.',
    body: creation,
    responses: { 201: providerWithDomains },
    etag: true,
    async handle({ management, who, body: { account_id: accountId, client_secret: clientSecret, ...values } }) {
      const given = fromWireValues(IDENTITY_PROVIDER_ATTRIBUTES, values) as IdentityProviderValues
      const made = await createIdentityProvider(management, who, { ...given, accountId, clientSecret })
      return { body: viewProviderDetails(management, made, who), revision: made.revision }
    },
  }),
  route({
    method: 'get',
    path: '/identity-providers/{provider_id}',
    operation: readIdentityProvider,
    id: 'readIdentityProvider',
    tag: TAG_OF_PROVIDERS,
    summary: 'Retrieve an identity provider with its email domains',
    params: providerParams,
    responses: { 200: providerWithDomains },
    etag: true,
    async handle({ management, who, params }) {
      const one = await readIdentityProvider(management, who, toDomain(params))
      return { body: viewProviderDetails(management, one, who), revision: one.revision }
    },
  }),
  route({
    method: 'patch',
    path: '/identity-providers/{provider_id}',
    operation: updateIdentityProvider,
    id: 'updateIdentityProvider',
    tag: TAG_OF_PROVIDERS,
    summary: 'Update an identity provider',
    params: providerParams,
    body: change,
    responses: { 200: providerWithDomains },
    etag: true,
    async handle({ management, who, params, body: { client_secret: clientSecret, ...values }, ifMatch }) {
      const changes = fromWireValues(IDENTITY_PROVIDER_ATTRIBUTES, values)
      const request = { ...toDomain(params), ...changes, clientSecret, revision: ifMatch }
      const changed = await updateIdentityProvider(management, who, request)
      return { body: viewProviderDetails(management, changed, who), revision: changed.revision }
    },
  }),
  route({
    method: 'delete',
    path: '/identity-providers/{provider_id}',
    operation: deleteIdentityProvider,
    id: 'deleteIdentityProvider',
    tag: TAG_OF_PROVIDERS,
    summary: 'Delete an identity provider',
    description: 'Ends the sessions that began with it, and removes the identities of its users. The users stay.',
    params: providerParams,
    responses: { 204: null },
    async handle({ management, who, params }) {
      await deleteIdentityProvider(management, who, toDomain(params))
      return {}
    },
  }),
  statusRoute('disabled', 'disable', 'Nobody signs in through it, and the sessions that began with it end.'),
  statusRoute('enabled', 'enable', 'Users sign in through it again. Sessions that ended stay ended.'),
  route({
    method: 'post',
    path: '/identity-providers/{provider_id}/test',
    operation: testIdentityProvider,
    id: 'testIdentityProvider',
    tag: TAG_OF_PROVIDERS,
    summary: 'Read the metadata of an identity provider',
    description: 'Answers 400 if the provider does not respond or its metadata is not valid.',
    params: providerParams,
    responses: { 200: providerWithDomains },
    handle: async ({ management, who, params }) => ({
      body: viewProviderDetails(management, await testIdentityProvider(management, who, toDomain(params)), who),
    }),
  }),
]
