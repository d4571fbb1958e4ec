/** Token exchange (RFC 8693) for named users: a service exchanges its own access token for one of a user of these accounts. */
import type { Knex } from 'knex'

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    ALTER TABLE clients ADD COLUMN exchange_accounts text[];
    COMMENT ON COLUMN clients.exchange_accounts IS 'account IDs, or any; null: it obtains no tokens for users that it names'`)
}

export async function down(knex: Knex): Promise<void> {
  // Without the policy, no change of it could revoke these tokens.
  await knex.raw(`
    UPDATE access_tokens t SET revoked_at = now()
     WHERE t.subject <> '' AND t.subject_token IS NOT NULL AND t.revoked_at IS NULL
       AND EXISTS (SELECT 1 FROM exchanged_tokens x WHERE x.jti = t.jti AND x.subject = '');
    ALTER TABLE clients DROP COLUMN exchange_accounts`)
}
