import { documentRoles } from './accounts/roles-document.ts'
import { describeApi } from './api/openapi.ts'
import { documentConfiguration } from './config/configuration-docs.ts'

/** A document that is generated from the code, by its path below `docs/`. */
export interface GeneratedDocument {
  readonly name: string
  text(): string
}

/** The issuer in documents that are generated without a server. */
const EXAMPLE_ISSUER = 'https://keywright.example'

export const DOCUMENTS: readonly GeneratedDocument[] = [
  { name: 'configuration.md', text: documentConfiguration },
  { name: 'roles.md', text: documentRoles },
  { name: 'openapi.json', text: () => `${JSON.stringify(describeApi(EXAMPLE_ISSUER), null, 2)}\n` },
]
