/**
 * Quotas: the most access tokens that a client, or all clients of an account together, get in an hour and in a day (UTC).
 *
 * `quota_uses` has one row per client and account that has or had a quota, with the counts of its present hour and day. A row holds
 * both counts, so that a token locks one row per owner and the table does not grow with time. A trigger inserts the row when a
 * quota is set: the statement that records tokens locks rows before it decides, and cannot lock one that does not exist. The row
 * outlives its quota, so that a quota that is removed and set again does not start from zero.
 *
 * The way back deletes the quotas: clients and accounts get any number of tokens again.
 */
import type { Knex } from 'knex'

/** As in `shared/quota-attributes.ts`. */
const LARGEST = 999_999_999

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    CREATE TABLE quota_uses (
      owner      text GENERATED ALWAYS AS (coalesce(client_id::text, account_id::text)) STORED PRIMARY KEY,
      client_id  bigint UNIQUE REFERENCES clients ON DELETE CASCADE,
      account_id uuid UNIQUE REFERENCES accounts ON DELETE CASCADE,
      hour       timestamptz NOT NULL DEFAULT date_trunc('hour', now(), 'UTC'),
      hour_count bigint NOT NULL DEFAULT 0,
      day        timestamptz NOT NULL DEFAULT date_trunc('day', now(), 'UTC'),
      day_count  bigint NOT NULL DEFAULT 0,
      CONSTRAINT quota_uses_owner CHECK (num_nonnulls(client_id, account_id) = 1)
    ) WITH (fillfactor = 50);
    COMMENT ON COLUMN quota_uses.hour IS 'the hour (UTC) in which hour_count tokens were issued; an earlier hour: none in the present one';

    CREATE FUNCTION insert_client_quota_use() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      INSERT INTO quota_uses (client_id) VALUES (NEW.id) ON CONFLICT DO NOTHING;
      RETURN NULL;
    END $$;
    CREATE FUNCTION insert_account_quota_use() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      INSERT INTO quota_uses (account_id) VALUES (NEW.id) ON CONFLICT DO NOTHING;
      RETURN NULL;
    END $$;
  `)
  for (const [table, owner] of [
    ['clients', 'client'],
    ['accounts', 'account'],
  ]) {
    await knex.raw(`
      ALTER TABLE ${table}
        ADD COLUMN quota_per_hour integer,
        ADD COLUMN quota_per_day integer,
        ADD COLUMN quota_mode text NOT NULL DEFAULT 'enforce',
        ADD CONSTRAINT ${table}_quotas CHECK (quota_per_hour BETWEEN 1 AND ${LARGEST} AND quota_per_day BETWEEN 1 AND ${LARGEST}
                                              AND quota_mode IN ('observe', 'enforce')) NOT VALID`)
    // Checks existing rows without blocking changes of them.
    await knex.raw(`ALTER TABLE ${table} VALIDATE CONSTRAINT ${table}_quotas`)
    await knex.raw(`
      CREATE TRIGGER ${table}_quota_use AFTER INSERT OR UPDATE OF quota_per_hour, quota_per_day ON ${table} FOR EACH ROW
        WHEN (NEW.quota_per_hour IS NOT NULL OR NEW.quota_per_day IS NOT NULL) EXECUTE FUNCTION insert_${owner}_quota_use()`)
  }
}

export async function down(knex: Knex): Promise<void> {
  for (const table of ['clients', 'accounts']) {
    await knex.raw(`
      DROP TRIGGER ${table}_quota_use ON ${table};
      ALTER TABLE ${table} DROP COLUMN quota_per_hour, DROP COLUMN quota_per_day, DROP COLUMN quota_mode`)
  }
  await knex.raw(
    'DROP FUNCTION insert_client_quota_use(); DROP FUNCTION insert_account_quota_use(); DROP TABLE quota_uses',
  )
}
