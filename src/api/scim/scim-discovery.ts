import { USER_SCHEMA } from './scim-path.ts'

/** The most users of one response. */
export const MAX_RESULTS = 200

const SCHEMAS = 'urn:ietf:params:scim:schemas:core:2.0'

const unsupported = { supported: false }

/** RFC 7643, section 5. */
export const serviceProviderConfig = (root: string) => ({
  schemas: [`${SCHEMAS}:ServiceProviderConfig`],
  patch: { supported: true },
  bulk: { supported: false, maxOperations: 0, maxPayloadSize: 0 },
  filter: { supported: true, maxResults: MAX_RESULTS },
  changePassword: unsupported,
  sort: unsupported,
  etag: { supported: true },
  authenticationSchemes: [
    {
      type: 'oauthbearertoken',
      name: 'SCIM token',
      description: 'A token that an admin of the account generates in the console, in the Authorization header',
      primary: true,
    },
  ],
  meta: { resourceType: 'ServiceProviderConfig', location: `${root}/ServiceProviderConfig` },
})

/** RFC 7643, section 6. */
export const userResourceType = (root: string) => ({
  schemas: [`${SCHEMAS}:ResourceType`],
  id: 'User',
  name: 'User',
  endpoint: '/Users',
  description: 'A user of the account',
  schema: USER_SCHEMA,
  meta: { resourceType: 'ResourceType', location: `${root}/ResourceTypes/User` },
})

interface Details {
  readonly type?: 'string' | 'boolean' | 'complex'
  readonly required?: boolean
  readonly multiValued?: boolean
  readonly uniqueness?: 'none' | 'server'
  readonly subAttributes?: readonly object[]
}

const attribute = (name: string, description: string, details: Details = {}) => ({
  name,
  type: 'string',
  multiValued: false,
  description,
  required: false,
  ...(details.type === undefined || details.type === 'string' ? { caseExact: name === 'externalId' } : {}),
  mutability: 'readWrite',
  returned: 'default',
  uniqueness: 'none',
  ...details,
})

/** RFC 7643, section 7: the attributes that are kept. */
export const userSchema = (root: string) => ({
  schemas: [`${SCHEMAS}:Schema`],
  id: USER_SCHEMA,
  name: 'User',
  description: 'A user of the account',
  attributes: [
    attribute('userName', 'The name of the user at the identity provider', { required: true, uniqueness: 'server' }),
    attribute('externalId', 'The ID of the user at the identity provider', { uniqueness: 'server' }),
    attribute('displayName', 'The full name'),
    attribute('active', 'False off-boards the user', { type: 'boolean' }),
    attribute('name', 'The parts of the name', {
      type: 'complex',
      subAttributes: [
        attribute('formatted', 'The full name'),
        attribute('givenName', 'The given name'),
        attribute('familyName', 'The family name'),
      ],
    }),
    attribute('emails', 'One address is kept: the primary one, or else the one for work', {
      type: 'complex',
      multiValued: true,
      subAttributes: [
        attribute('value', 'The address', { uniqueness: 'server' }),
        attribute('type', 'work'),
        attribute('primary', 'Whether the address is kept', { type: 'boolean' }),
      ],
    }),
    attribute('roles', 'One role is kept: admin, developer, viewer or member', {
      type: 'complex',
      multiValued: true,
      subAttributes: [
        attribute('value', 'The role'),
        attribute('primary', 'Whether the role is kept', { type: 'boolean' }),
      ],
    }),
  ],
  meta: { resourceType: 'Schema', location: `${root}/Schemas/${USER_SCHEMA}` },
})
