import { describeApi } from './api/openapi.ts'
import { documentConfiguration } from './config/configuration-docs.ts'

/** A document that is made from the code, by its place below `docs/`. */
export interface GeneratedDocument {
  readonly name: string
  text(): string
}

/** Where the management API stands in what is read without a server. */
const SOMEWHERE = 'https://keywright.example'

export const DOCUMENTS: readonly GeneratedDocument[] = [
  { name: 'configuration.md', text: documentConfiguration },
  { name: 'openapi.json', text: () => `${JSON.stringify(describeApi(SOMEWHERE), null, 2)}\n` },
]
