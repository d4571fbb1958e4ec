/**
 * An API may allow named key pairs beside the default one of each admin, and environments (*live*, *test*) of these. One key pair
 * per user becomes one per user and name; the default pair has no name. Names are compared without regard to case.
 *
 * The way back ends the named key pairs, because the former index has no room for them.
 */
import type { Knex } from 'knex'

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    ALTER TABLE apis
      ADD COLUMN key_pairs text NOT NULL DEFAULT 'one',
      ADD CONSTRAINT apis_key_pairs CHECK (key_pairs IN ('one', 'named', 'environments'));
    COMMENT ON COLUMN apis.key_pairs IS 'which key pairs may call it: the default one of each admin, or named ones too';

    ALTER TABLE clients ADD COLUMN pair_name text, ADD COLUMN environment text;
    ALTER TABLE clients ADD CONSTRAINT clients_pair_name CHECK (
      pair_name IS NULL OR (kind = 'key_pair' AND char_length(pair_name) BETWEEN 1 AND 60)) NOT VALID;
    ALTER TABLE clients ADD CONSTRAINT clients_environment CHECK (
      environment IS NULL OR (pair_name IS NOT NULL AND environment IN ('live', 'test'))) NOT VALID;
    COMMENT ON COLUMN clients.pair_name IS 'null: the default key pair of its owner, or no key pair';
    COMMENT ON COLUMN clients.environment IS 'the environment of a named key pair';
    CREATE UNIQUE INDEX clients_one_key_pair_per_name ON clients (user_id, lower(coalesce(pair_name, '')))
     WHERE kind = 'key_pair' AND status <> 'replaced';
    DROP INDEX clients_one_key_pair_per_user;
  `)
  // Checks existing rows without blocking changes of them.
  for (const name of ['clients_pair_name', 'clients_environment'])
    await knex.raw(`ALTER TABLE clients VALIDATE CONSTRAINT ${name}`)
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    UPDATE clients
       SET status = 'replaced', deactivated_at = coalesce(deactivated_at, now()),
           revocation_epoch = revocation_epoch + 1, version = version + 1
     WHERE pair_name IS NOT NULL AND status <> 'replaced';
    CREATE UNIQUE INDEX clients_one_key_pair_per_user ON clients (user_id) WHERE kind = 'key_pair' AND status <> 'replaced';
    DROP INDEX clients_one_key_pair_per_name;
    ALTER TABLE clients DROP COLUMN pair_name, DROP COLUMN environment;
    ALTER TABLE apis DROP COLUMN key_pairs;
  `)
}
