// For `node --import`: a program finds `@keywright/resource-server` in this repository, as if it were installed.
import { registerHooks } from 'node:module'

const NAME = '@keywright/resource-server'
const SOURCES = new URL('../../packages/resource-server/src/', import.meta.url)

registerHooks({
  resolve(specifier, context, next) {
    if (specifier !== NAME && !specifier.startsWith(`${NAME}/`)) return next(specifier, context)
    return next(new URL(`${specifier.slice(NAME.length + 1) || 'index'}.ts`, SOURCES).href, context)
  },
})
