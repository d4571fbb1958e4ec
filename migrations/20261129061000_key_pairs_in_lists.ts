/**
 * Key pairs appear in lists beside applications, sorted by time and by name, of all accounts and of one, with both kinds together
 * or one of them. Each of these orders has an index. A stopped key pair is archived, so both kinds share the index of those.
 *
 * The way back restores the indexes of the lists of applications.
 */
import type { Knex } from 'knex'

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    CREATE INDEX clients_listed ON clients (id) WHERE kind <> 'api' AND status <> 'replaced';
    CREATE INDEX clients_listed_of ON clients (account_id, id) WHERE kind <> 'api' AND status <> 'replaced';
    CREATE INDEX clients_listed_by_name ON clients (lower(name), id) WHERE kind <> 'api' AND status <> 'replaced';
    CREATE INDEX clients_listed_of_by_name ON clients (account_id, lower(name), id) WHERE kind <> 'api' AND status <> 'replaced';
    CREATE INDEX clients_key_pairs ON clients (id) WHERE kind = 'key_pair' AND status <> 'replaced';
    CREATE INDEX clients_key_pairs_of ON clients (account_id, id) WHERE kind = 'key_pair' AND status <> 'replaced';
    CREATE INDEX clients_key_pairs_by_name ON clients (lower(name), id) WHERE kind = 'key_pair' AND status <> 'replaced';
    CREATE INDEX clients_key_pairs_of_by_name ON clients (account_id, lower(name), id) WHERE kind = 'key_pair' AND status <> 'replaced';
    DROP INDEX clients_archived;
    CREATE INDEX clients_archived ON clients (id) WHERE kind <> 'api' AND status = 'archived';
    DROP INDEX clients_by_words;
    CREATE INDEX clients_by_words ON clients USING gin (search_words(name)) WHERE kind <> 'api';
  `)
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    DROP INDEX clients_listed; DROP INDEX clients_listed_of; DROP INDEX clients_listed_by_name;
    DROP INDEX clients_listed_of_by_name; DROP INDEX clients_key_pairs; DROP INDEX clients_key_pairs_of;
    DROP INDEX clients_key_pairs_by_name; DROP INDEX clients_key_pairs_of_by_name;
    DROP INDEX clients_archived;
    CREATE INDEX clients_archived ON clients (id) WHERE kind = 'application' AND status = 'archived';
    DROP INDEX clients_by_words;
    CREATE INDEX clients_by_words ON clients USING gin (search_words(name)) WHERE kind = 'application';
  `)
}
