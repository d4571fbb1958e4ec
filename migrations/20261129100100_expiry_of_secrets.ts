/**
 * A client secret or API key can expire. Its end stays `retires_at`, which is never later than `expires_at`: all that decides
 * whether a secret works, also on nodes of the earlier version, reads one column. `expires_at` says why, and when to notify.
 *
 * An account and an API can limit the lifetime of new secrets. The tables are checked without a scan that blocks writers: the new
 * columns are null.
 *
 * `secret_expiry_notices` has the last notice of each secret that expires within 90 days. A notice is written once, whichever
 * node runs the job.
 */
import type { Knex } from 'knex'

/** As in `shared/secret-lifetimes.ts`. */
const LIMITS = 'max_secret_lifetime BETWEEN 3600 AND 157680000'

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    ALTER TABLE client_secrets
      ADD COLUMN expires_at timestamptz,
      ADD CONSTRAINT client_secrets_expires CHECK (expires_at IS NULL OR (retires_at IS NOT NULL AND retires_at <= expires_at));
    COMMENT ON COLUMN client_secrets.expires_at IS 'null: it does not expire; retires_at is never later';
    CREATE INDEX client_secrets_expiring ON client_secrets (expires_at) WHERE expires_at IS NOT NULL;

    ALTER TABLE accounts
      ADD COLUMN max_secret_lifetime integer,
      ADD CONSTRAINT accounts_max_secret_lifetime CHECK (${LIMITS});
    ALTER TABLE apis
      ADD COLUMN max_secret_lifetime integer,
      ADD CONSTRAINT apis_max_secret_lifetime CHECK (${LIMITS});
    COMMENT ON COLUMN accounts.max_secret_lifetime IS 'seconds; null: no limit';
    COMMENT ON COLUMN apis.max_secret_lifetime IS 'seconds; null: no limit';

    CREATE TABLE secret_expiry_notices (
      secret_id  bigint PRIMARY KEY CONSTRAINT secret_expiry_notices_secret REFERENCES client_secrets (id) ON DELETE CASCADE,
      account_id uuid,
      expires_at timestamptz NOT NULL,
      days       integer NOT NULL
    );
    COMMENT ON COLUMN secret_expiry_notices.days IS 'the notice that was written last: so many days before the expiry';
    CREATE INDEX secret_expiry_notices_of_account ON secret_expiry_notices (account_id, expires_at);
  `)
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    DROP TABLE secret_expiry_notices;
    ALTER TABLE apis DROP COLUMN max_secret_lifetime;
    ALTER TABLE accounts DROP COLUMN max_secret_lifetime;
    ALTER TABLE client_secrets DROP COLUMN expires_at;
  `)
}
