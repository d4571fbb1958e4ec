/**
 * What the console and the management API need of what was there before.
 *
 * `revision` counts the changes of a row that somebody with the right to does, so that of two who edit at once the second
 * is told; of clients and APIs `version` serves. An account's API can be switched off while its people still sign in. A
 * client's access type says for whom it may act; the instance's own applications belong to no account. An API that is built in
 * is Keywright's, whose scopes come with its version. The instance's defaults are what a new application begins with.
 */
import type { Knex } from 'knex'

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    ALTER TABLE accounts
      ADD COLUMN revision    integer NOT NULL DEFAULT 1,
      ADD COLUMN api_enabled boolean NOT NULL DEFAULT true;
    COMMENT ON COLUMN accounts.api_enabled IS 'off: none of its clients is known; its people may sign in all the same';

    ALTER TABLE users ADD COLUMN revision integer NOT NULL DEFAULT 1;

    ALTER TABLE apis ADD COLUMN built_in boolean NOT NULL DEFAULT false,
      ADD CONSTRAINT apis_built_in_is_no_default CHECK (NOT (built_in AND is_default));

    ALTER TABLE clients
      ADD COLUMN access_type text NOT NULL DEFAULT 'both',
      ADD CONSTRAINT clients_access_type CHECK (access_type IN ('person', 'itself', 'both')),
      DROP CONSTRAINT clients_owner,
      ADD CONSTRAINT clients_owner CHECK (
        CASE kind WHEN 'key_pair' THEN account_id IS NOT NULL AND user_id IS NOT NULL AND api_id IS NULL
                  WHEN 'application' THEN user_id IS NULL AND api_id IS NULL
                  ELSE account_id IS NULL AND user_id IS NULL AND api_id IS NOT NULL END);
    COMMENT ON COLUMN clients.account_id IS 'null of an application: it is the instance''s own';

    ALTER TABLE instance_settings
      ADD COLUMN revision                  integer NOT NULL DEFAULT 1,
      ADD COLUMN default_access_token_ttl  integer,
      ADD COLUMN default_refresh_token_ttl integer,
      ADD COLUMN default_consent           text NOT NULL DEFAULT 'show',
      ADD COLUMN default_rate_limit_count  integer,
      ADD COLUMN default_rate_limit_period integer,
      ADD CONSTRAINT instance_settings_default_access_token_ttl CHECK (default_access_token_ttl BETWEEN 60 AND 2592000),
      ADD CONSTRAINT instance_settings_default_refresh_token_ttl
        CHECK (default_refresh_token_ttl BETWEEN 60 AND 31622400),
      ADD CONSTRAINT instance_settings_default_consent CHECK (default_consent IN ('show', 'skip_own_account')),
      ADD CONSTRAINT instance_settings_default_rate_limit CHECK (
        (default_rate_limit_count IS NULL) = (default_rate_limit_period IS NULL)
        AND default_rate_limit_count > 0 AND default_rate_limit_period > 0);
  `)
}

/** Refused by `clients_owner` while applications of no account are there, which only a person can give an account. */
export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    ALTER TABLE instance_settings
      DROP COLUMN default_rate_limit_period,
      DROP COLUMN default_rate_limit_count,
      DROP COLUMN default_consent,
      DROP COLUMN default_refresh_token_ttl,
      DROP COLUMN default_access_token_ttl,
      DROP COLUMN revision;
    ALTER TABLE clients
      DROP CONSTRAINT clients_owner,
      ADD CONSTRAINT clients_owner CHECK (
        CASE kind WHEN 'key_pair' THEN account_id IS NOT NULL AND user_id IS NOT NULL AND api_id IS NULL
                  WHEN 'application' THEN account_id IS NOT NULL AND user_id IS NULL AND api_id IS NULL
                  ELSE account_id IS NULL AND user_id IS NULL AND api_id IS NOT NULL END),
      DROP COLUMN access_type;
    ALTER TABLE apis DROP COLUMN built_in;
    ALTER TABLE users DROP COLUMN revision;
    ALTER TABLE accounts DROP COLUMN api_enabled, DROP COLUMN revision;
  `)
}
