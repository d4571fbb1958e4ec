/**
 * Loaded into a measured server (`--import`): tokens have no place in a status list, and say nothing of one. The product has
 * no such mode; this tells what having it costs.
 */
import { registerHooks } from 'node:module'

/** What stands in our sources, and what takes its place, by the file's name. */
const CHANGES: Record<string, readonly (readonly [string | RegExp, string])[]> = {
  '/src/tokens/planned-token.ts': [
    ['indexes.draw(api.id, expiresAt - issuedAt)', "{ list: { key: 0, id: '', apiId: api.id }, index: 0 }"],
    ['status: statusClaim(status, issuer),', ''],
  ],
  '/src/tokens/record-statement.ts': [
    [/JOIN status_lists l .*\n.*l\.server_started_at.*\n/, '\n'],
    ['v.list, v.idx, v.key', 'NULL::bigint, NULL::integer, v.key'],
  ],
}

function change(source: string, changes: (typeof CHANGES)[string]): string {
  return changes.reduce((text, [from, to]) => {
    const changed = text.replace(from, to)
    if (changed === text) throw new Error(`bench/without-status.ts: nothing says ${from} any more`)
    return changed
  }, source)
}

registerHooks({
  load(url, context, next) {
    const loaded = next(url, context)
    const name = Object.keys(CHANGES).find((end) => url.endsWith(end))
    return name ? { ...loaded, source: change(String(loaded.source), CHANGES[name]!) } : loaded
  },
})
