/**
 * What lists of a hundred thousand need: their order as an index, and search by the beginnings of words. Words are what
 * stands between ASCII punctuation, so that parts of addresses are found too; no extension is needed, which managed and
 * distributed databases may not have.
 *
 * When somebody last signed in stands beside them, for whoever looks which people are still there.
 */
import type { Knex } from 'knex'

export async function up(knex: Knex): Promise<void> {
  // Knex would take a bare question mark for a binding, and write `$1` in its place.
  await knex.raw(String.raw`
    CREATE FUNCTION search_words(text) RETURNS tsvector LANGUAGE sql IMMUTABLE PARALLEL SAFE
      RETURN to_tsvector('pg_catalog.simple', translate($1, '!"#$%&''()*+,-./:;<=>\?@[\]^_{|}~', repeat(' ', 32)));

    ALTER TABLE users ADD COLUMN last_signed_in_at timestamptz;

    CREATE INDEX clients_applications ON clients (id) WHERE kind = 'application';
    CREATE INDEX clients_of_apis ON clients (api_id) WHERE api_id IS NOT NULL;
    CREATE INDEX clients_applications_of ON clients (account_id, id) WHERE kind = 'application';
    CREATE INDEX clients_archived ON clients (id) WHERE kind = 'application' AND status = 'archived';
    CREATE INDEX clients_by_words ON clients USING gin (search_words(name)) WHERE kind = 'application';
    CREATE INDEX users_in_order ON users (account_id, lower(email), id);
    CREATE INDEX users_by_words ON users USING gin (search_words(coalesce(name, '') || ' ' || email));
    CREATE INDEX accounts_in_order ON accounts (lower(name), id);
    CREATE INDEX accounts_by_words ON accounts USING gin (search_words(name));
  `)
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    DROP INDEX accounts_by_words; DROP INDEX accounts_in_order; DROP INDEX users_by_words; DROP INDEX users_in_order;
    DROP INDEX clients_by_words; DROP INDEX clients_archived; DROP INDEX clients_applications_of; DROP INDEX clients_of_apis; DROP INDEX clients_applications;
    DROP FUNCTION search_words;
    ALTER TABLE users DROP COLUMN last_signed_in_at;
  `)
}
