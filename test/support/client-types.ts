import { registerHooks } from 'node:module'

/**
 * The generator builds its output with TypeScript's own syntax tree, which TypeScript 7 has no JavaScript interface for;
 * another package carries the last version that had one, and takes its place.
 */
const STAND_IN = new URL('./typescript-version.ts', import.meta.url).href

/** TypeScript types of an OpenAPI document, as openapi-fetch takes them. */
export async function generateClientTypes(document: unknown): Promise<string> {
  const hooks = registerHooks({
    resolve: (name, context, next) =>
      name === 'typescript' ? { url: STAND_IN, shortCircuit: true } : next(name, context),
  })
  try {
    const { default: openapiTypes, astToString } = await import('openapi-typescript')
    // What has a default may be left out of what is sent.
    const options = { defaultNonNullable: false }
    return astToString(await openapiTypes(document as Parameters<typeof openapiTypes>[0], options))
  } finally {
    hooks.deregister()
  }
}
