import { Readable } from 'node:stream'
import type { Context } from 'koa'
import type { Management } from '../management/operation.ts'
import type { Principal } from '../management/principal.ts'
import { exportUserData, type UserDataItem } from '../management/user-data-export.ts'
import { setPageHeaders } from './page-headers.ts'

async function* linesOf(items: AsyncIterable<UserDataItem>): AsyncGenerator<string> {
  for await (const item of items) yield `${JSON.stringify(item)}\n`
}

/** Streams what is stored about a user as JSON Lines. @throws KeywrightError `not_found`, before the response begins */
export async function downloadUserData(
  ctx: Context,
  management: Management,
  who: Principal,
  userId: string,
): Promise<void> {
  const items = await exportUserData(management, who, { userId })
  setPageHeaders(ctx)
  ctx.attachment(`user-data-${new Date().toISOString().slice(0, 10)}.jsonl`)
  // After `attachment`, which sets a type from the file name.
  ctx.type = 'application/jsonl; charset=utf-8'
  ctx.body = Readable.from(linesOf(items))
}
