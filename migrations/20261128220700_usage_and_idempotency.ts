/**
 * Usage counters, and the responses of idempotent requests.
 *
 * `usage_hours` counts issued and refused tokens per hour. A process adds its counts after the requests. `usage_writers`
 * records the last batch of each process, so that a batch whose commit was not confirmed is not added twice.
 *
 * `idempotency_keys` holds the response of a creating request under its Idempotency-Key. The key is claimed, the object
 * created and the response stored in one transaction. The response may hold a secret that is shown once, so it is sealed
 * and kept for a day.
 */
import type { Knex } from 'knex'

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    CREATE TABLE usage_hours (
      hour  timestamptz NOT NULL,
      kind  text NOT NULL,
      label text NOT NULL,
      count bigint NOT NULL,
      PRIMARY KEY (hour, kind, label),
      CONSTRAINT usage_hours_kind CHECK (kind IN ('issued', 'refused'))
    ) WITH (fillfactor = 50);
    COMMENT ON COLUMN usage_hours.label IS 'issued: the grant type; refused: the OAuth error code';

    CREATE TABLE usage_writers (
      id         uuid PRIMARY KEY,
      batch      bigint NOT NULL,
      written_at timestamptz NOT NULL
    ) WITH (fillfactor = 50);
    CREATE INDEX usage_writers_by_time ON usage_writers (written_at);

    CREATE TABLE idempotency_keys (
      key_hash     bytea PRIMARY KEY,
      request_hash bytea NOT NULL,
      response     bytea,
      expires_at   timestamptz NOT NULL,
      CONSTRAINT idempotency_keys_key_hash CHECK (octet_length(key_hash) = 32),
      CONSTRAINT idempotency_keys_request_hash CHECK (octet_length(request_hash) = 32)
    );
    COMMENT ON COLUMN idempotency_keys.key_hash IS 'hash of the caller and the key together';
    COMMENT ON COLUMN idempotency_keys.response IS 'sealed (AES-256-GCM); null only within the transaction that claims the key';
    CREATE INDEX idempotency_keys_expired ON idempotency_keys (expires_at);
  `)
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('DROP TABLE idempotency_keys; DROP TABLE usage_writers; DROP TABLE usage_hours')
}
