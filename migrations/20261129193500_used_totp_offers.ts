/**
 * Offers of authenticator apps that were used. An offer goes through the page, sealed, and works for an hour. The factor that it became
 * shows that it was used; when the factor is removed, this row does, so that who has kept the offer cannot add the removed app again.
 */
import type { Knex } from 'knex'

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    CREATE TABLE used_totp_offers (
      id         uuid PRIMARY KEY,
      expires_at timestamptz NOT NULL
    )`)
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('DROP TABLE used_totp_offers')
}
