/**
 * A previous client secret can retire when it is not used any more, instead of at a fixed time only. `retires_at` is then its
 * latest end. A job retires the secret earlier, after so many hours without a use, counted from the time of the decision at the
 * earliest.
 */
import type { Knex } from 'knex'

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    ALTER TABLE client_secrets
      ADD COLUMN retire_unused_hours integer,
      ADD COLUMN retire_unused_from timestamptz,
      ADD CONSTRAINT client_secrets_retire_unused_hours CHECK (retire_unused_hours BETWEEN 1 AND 8784),
      ADD CONSTRAINT client_secrets_retire_unused CHECK (
        (retire_unused_hours IS NULL) = (retire_unused_from IS NULL)
        AND (retire_unused_hours IS NULL OR retires_at IS NOT NULL));
    COMMENT ON COLUMN client_secrets.retire_unused_hours IS 'null: it retires at retires_at; else also after so many hours without a use';
    CREATE INDEX client_secrets_retire_unused ON client_secrets (client_id) WHERE retire_unused_hours IS NOT NULL;
  `)
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('ALTER TABLE client_secrets DROP COLUMN retire_unused_hours, DROP COLUMN retire_unused_from')
}
