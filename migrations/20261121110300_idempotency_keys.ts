/**
 * What was answered to a creation, for whoever sends it again under the same Idempotency-Key because the first answer was
 * lost. The row is claimed, the thing made and the answer kept in one transaction, so that there is never one without the
 * other. The answer may hold a secret that is shown once: it is sealed, and kept for a day.
 */
import type { Knex } from 'knex'

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    CREATE TABLE idempotency_keys (
      key_hash     bytea PRIMARY KEY,
      request_hash bytea NOT NULL,
      answer       bytea,
      expires_at   timestamptz NOT NULL,
      CONSTRAINT idempotency_keys_key_hash CHECK (octet_length(key_hash) = 32),
      CONSTRAINT idempotency_keys_request_hash CHECK (octet_length(request_hash) = 32)
    );
    CREATE INDEX idempotency_keys_expired ON idempotency_keys (expires_at);
    COMMENT ON COLUMN idempotency_keys.key_hash IS 'of the caller and the key together';
    COMMENT ON COLUMN idempotency_keys.answer IS 'AES-256-GCM; null only within the transaction that claims the key';
  `)
}

/** A creation whose answer was lost is then done twice by whoever tries again. */
export async function down(knex: Knex): Promise<void> {
  await knex.raw('DROP TABLE idempotency_keys')
}
