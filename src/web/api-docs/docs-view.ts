import { sentence } from '../to-sentence.ts'
import { curlOf } from './examples.ts'
import {
  type ApiDocument,
  type Operation,
  type Resolve,
  resolverOf,
  type Schema,
  schemaIn,
} from './openapi-document.ts'
import { constraintsOf, type Row, rowsOf, typeOf } from './schema-rows.ts'

/** As an address within the page: no two operations have the same id, and no two groups the same name. */
const anchorOf = (text: string): string => text.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-')

export const shapeAnchor = (name: string): string => `shape-${anchorOf(name)}`

const LOCATIONS: Readonly<Record<string, string>> = { path: 'Path', query: 'Query', header: 'Header' }

interface ParameterRow extends Row {
  readonly location: string
}

const parametersOf = ({ parameters = [] }: Operation): ParameterRow[] =>
  parameters.map(({ name, in: location, required = false, description = '', schema = {} }) => ({
    path: name,
    location: LOCATIONS[location] ?? location,
    type: typeOf(schema),
    isRequired: required,
    description,
    constraints: constraintsOf(schema),
  }))

/** A body: its members, and where it has a name, where they are shown. */
function shapeIn(content: { type: string; schema: Schema } | undefined) {
  return content && { type: content.type, words: typeOf(content.schema), rows: rowsOf(content.schema) }
}

function bodyOf({ requestBody }: Operation, resolve: Resolve) {
  const content = schemaIn(requestBody)
  return content && { type: content.type, rows: rowsOf(resolve(content.schema)) }
}

const isSuccess = (status: string): boolean => status.startsWith('2')

function responsesOf({ responses }: Operation) {
  const answers = Object.entries(responses).map(([status, answer]) => ({
    status,
    description: answer.description ?? '',
    shape: isSuccess(status) ? shapeIn(schemaIn(answer)) : undefined,
  }))
  return {
    successes: answers.filter(({ status }) => isSuccess(status)),
    errors: answers.filter(({ status }) => !isSuccess(status)),
  }
}

const scopesOf = ({ security = [] }: Operation): string[] => [
  ...new Set(security.flatMap((one) => Object.values(one).flat())),
]

function operationView(document: ApiDocument, method: string, path: string, operation: Operation) {
  const resolve = resolverOf(document)
  return {
    id: anchorOf(operation.operationId.replaceAll(/[A-Z]/g, (letter) => `-${letter}`)),
    summary: operation.summary,
    method: method.toUpperCase(),
    path,
    description: operation.description && sentence(operation.description),
    scopes: scopesOf(operation),
    parameters: parametersOf(operation),
    body: bodyOf(operation, resolve),
    ...responsesOf(operation),
    curl: curlOf(document.servers[0]?.url ?? '', method, path, operation, resolve),
  }
}

const METHODS = ['get', 'post', 'put', 'patch', 'delete']

function operationsOf(document: ApiDocument) {
  return Object.entries(document.paths).flatMap(([path, byMethod]) =>
    METHODS.flatMap((method) => {
      const operation = byMethod[method]
      return operation ? [{ tag: operation.tags[0] ?? '', ...operationView(document, method, path, operation) }] : []
    }),
  )
}

/** The scopes of the flow by which a program gets its tokens. */
const scopeTable = ({ components }: ApiDocument): { scope: string; text: string }[] =>
  Object.values(components.securitySchemes ?? {}).flatMap(({ flows }) =>
    Object.entries(flows?.clientCredentials?.scopes ?? {}).map(([scope, text]) => ({ scope, text })),
  )

/** All that the page draws of the document. */
export function docsView(document: ApiDocument) {
  const operations = operationsOf(document)
  const groups = document.tags.map(({ name }) => ({
    name,
    id: `group-${anchorOf(name)}`,
    operations: operations.filter(({ tag }) => tag === name),
  }))
  const shapes = Object.entries(document.components.schemas ?? {}).map(([name, schema]) => ({
    name,
    id: shapeAnchor(name),
    description: schema.description ? sentence(schema.description) : '',
    words: typeOf(schema).words,
    rows: rowsOf(schema),
  }))
  const issuer = document.servers[0]?.url ?? ''
  return { issuer, groups: groups.filter((group) => group.operations.length > 0), shapes, scopes: scopeTable(document) }
}
