import type { Knex } from 'knex'
import { hasBytes, type Image, imageOf, type StoredImage } from '../shared/images.ts'

interface LogoRow {
  readonly client_id: number
  readonly bytes: Buffer
}

/** Stores the bytes of a new logo, or deletes them (null). A logo without bytes is the one that is stored. */
export async function saveLogo(trx: Knex, clientKey: number, logo: StoredImage | null): Promise<void> {
  if (logo === null) await trx<LogoRow>('client_logos').where({ client_id: clientKey }).delete()
  else if (hasBytes(logo))
    await trx<LogoRow>('client_logos')
      .insert({ client_id: clientKey, bytes: logo.bytes })
      .onConflict('client_id')
      .merge()
}

/** @param etag of the logo that is meant: undefined is returned when the application has another one by now */
export async function findLogo(db: Knex, clientId: string, etag: string): Promise<Image | undefined> {
  const row = await db('client_logos as l')
    .join('clients as c', 'c.id', 'l.client_id')
    .where({ 'c.client_id': clientId, 'c.logo_etag': etag })
    .first<{ bytes: Buffer; logo_type: string } | undefined>('l.bytes', 'c.logo_type')
  return row && imageOf(row.bytes, row.logo_type)
}
