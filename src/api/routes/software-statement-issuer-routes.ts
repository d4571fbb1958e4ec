import { z } from 'zod'
import { MAX_KEY_SET_LENGTH } from '../../clients/client-keys.ts'
import { SOFTWARE_STATEMENT_ISSUER_ATTRIBUTES } from '../../clients/software-statement-attributes.ts'
import { MAX_STATEMENT_ISSUERS, type SoftwareStatementIssuer } from '../../clients/software-statement-issuers.ts'
import type { Principal } from '../../management/principal.ts'
import {
  listSoftwareStatementIssuers,
  readSoftwareStatementIssuer,
  removeSoftwareStatementIssuer,
  SHOWN_APPLICATIONS,
  trustSoftwareStatementIssuer,
} from '../../management/software-statement-issuer-operations.ts'
import { toDomain, toWire } from '../../shared/wire-names.ts'
import { attributeSchemas, fromWireValues, toWireValues } from '../attribute-schemas.ts'
import { bounded, id, idText, timestamp } from '../fields.ts'
import { type ApiRoute, route } from '../route.ts'

const TAG = 'Software statements'

const pathParams = z.strictObject({ issuer_id: id })

const { issuer, jwks_uri, ...permitted } = attributeSchemas(SOFTWARE_STATEMENT_ISSUER_ATTRIBUTES)

const trustedShape = {
  id: idText,
  account_id: idText.meta({ description: 'The account of the applications that register' }),
  issuer,
  jwks_uri,
  ...permitted,
  jwks: z
    .array(z.looseObject({}))
    .nullable()
    .meta({ description: 'Its public keys (RFC 7517); null: they are read at `jwks_uri`' }),
  created_at: timestamp,
  last_used_at: timestamp.nullable().meta({ description: 'Null: never' }),
}

const trusted = z.object(trustedShape).meta({ id: 'SoftwareStatementIssuer' })

const failure = z
  .string()
  .nullable()
  .meta({ description: 'Why its keys could not be read at the last attempt; null: they could, or were not needed' })

const listed = z.object({ ...trustedShape, failure }).meta({ id: 'ListedSoftwareStatementIssuer' })

const details = z
  .object({
    ...trustedShape,
    failure,
    registered: bounded.meta({ description: 'The applications that registered by its statements' }),
    applications: z
      .array(
        z.object({
          client_id: z.string(),
          name: z.string(),
          status: z.enum(['active', 'archived']),
          created_at: timestamp,
        }),
      )
      .meta({ description: `The newest of them, at most ${SHOWN_APPLICATIONS}` }),
  })
  .meta({ id: 'SoftwareStatementIssuerDetails' })

const creation = z
  .strictObject({
    account_id: id.meta({ description: 'The account of the applications that register' }),
    issuer,
    ...z.strictObject({ jwks_uri, ...permitted }).partial().shape,
    jwks: z
      .string()
      .max(MAX_KEY_SET_LENGTH)
      .optional()
      .meta({ description: 'Its public keys as a JWK set (RFC 7517), instead of `jwks_uri`' }),
  })
  .meta({
    id: 'NewSoftwareStatementIssuer',
    examples: [
      {
        account_id: '01a22b3f-cdb6-797f-ba2f-b9501fbc02be',
        issuer: 'https://directory.example.com',
        jwks_uri: 'https://directory.example.com/jwks.json',
      },
    ],
  })

function view(found: SoftwareStatementIssuer, who: Principal) {
  const { id: issuerId, accountId, createdAt, lastUsedAt, jwks } = found
  return {
    ...toWire({ id: issuerId, accountId, createdAt, lastUsedAt }),
    jwks: jwks?.map((key) => ({ ...key })) ?? null,
    ...toWireValues(SOFTWARE_STATEMENT_ISSUER_ATTRIBUTES, found, who),
  }
}

export const SOFTWARE_STATEMENT_ISSUER_ROUTES: readonly ApiRoute[] = [
  route({
    method: 'get',
    path: '/software-statement-issuers',
    operation: listSoftwareStatementIssuers,
    id: 'listSoftwareStatementIssuers',
    tag: TAG,
    summary: 'List the trusted issuers of software statements',
    responses: { 200: z.object({ items: z.array(listed) }) },
    async handle({ management, who }) {
      const found = await listSoftwareStatementIssuers(management, who, {})
      return { body: { items: found.map((one) => ({ ...view(one, who), failure: one.failure })) } }
    },
  }),
  route({
    method: 'post',
    path: '/software-statement-issuers',
    operation: trustSoftwareStatementIssuer,
    id: 'trustSoftwareStatementIssuer',
    tag: TAG,
    summary: 'Trust an issuer of software statements',
    description: `While dynamic client registration is enabled, every application with a software statement of the issuer can register itself at \`POST /oauth2/register\` (RFC 7591, section 2.3), and belongs to the account. An instance trusts at most ${MAX_STATEMENT_ISSUERS}. Not allowed with a token that acts for a user.`,
    body: creation,
    responses: { 201: trusted },
    idempotent: true,
    async handle({ management, who, body: { account_id: accountId, jwks, ...given } }) {
      const values = fromWireValues(SOFTWARE_STATEMENT_ISSUER_ATTRIBUTES, given)
      const input = { ...values, issuer: given.issuer, accountId, jwks }
      return { body: view(await trustSoftwareStatementIssuer(management, who, input), who) }
    },
  }),
  route({
    method: 'get',
    path: '/software-statement-issuers/{issuer_id}',
    operation: readSoftwareStatementIssuer,
    id: 'readSoftwareStatementIssuer',
    tag: TAG,
    summary: 'Retrieve a trusted issuer of software statements, with the applications that registered by them',
    params: pathParams,
    responses: { 200: details },
    async handle({ management, who, params }) {
      const found = await readSoftwareStatementIssuer(management, who, toDomain(params))
      const { failure: reason, registered, applications } = found
      const body = {
        ...view(found, who),
        failure: reason,
        registered: toWire({ ...registered }),
        applications: applications.map((one) => toWire({ ...one })),
      }
      return { body }
    },
  }),
  route({
    method: 'delete',
    path: '/software-statement-issuers/{issuer_id}',
    operation: removeSoftwareStatementIssuer,
    id: 'removeSoftwareStatementIssuer',
    tag: TAG,
    summary: 'Stop trusting an issuer of software statements; registered applications stay',
    params: pathParams,
    responses: { 204: null },
    async handle({ management, who, params }) {
      await removeSoftwareStatementIssuer(management, who, toDomain(params))
      return {}
    },
  }),
]
