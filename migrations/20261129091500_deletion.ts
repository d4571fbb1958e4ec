/**
 * Deletion of archived clients, disabled users and disabled accounts. A row with the status `deleting` cannot be restored. What
 * belongs to it is deleted in batches, and the row last (docs/adr/0024-deletion.md).
 *
 * A token of a deleted client is inactive, because `client_access_tokens` joins the client. A new client with the key of a
 * deleted one would make such tokens active again. Logical replication and some restores do not carry sequences, so
 * `deleted_clients` keeps the keys until all tokens have expired, and `increase_client_key` compares a new key with them.
 *
 * The way back fails while a deletion is under way.
 */
import type { Knex } from 'knex'

const FORMER = {
  clients: `'active', 'archived', 'replaced'`,
  users: `'active', 'disabled'`,
  accounts: `'active', 'disabled'`,
} as const

async function setStatuses(knex: Knex, table: string, statuses: string): Promise<void> {
  await knex.raw(`
    ALTER TABLE ${table} DROP CONSTRAINT ${table}_status,
      ADD CONSTRAINT ${table}_status CHECK (status IN (${statuses})) NOT VALID`)
  // Checks existing rows without blocking changes of them.
  await knex.raw(`ALTER TABLE ${table} VALIDATE CONSTRAINT ${table}_status`)
}

export async function up(knex: Knex): Promise<void> {
  for (const [table, former] of Object.entries(FORMER)) {
    await setStatuses(knex, table, `${former}, 'deleting'`)
    await knex.raw(`CREATE INDEX ${table}_deleting ON ${table} (id) WHERE status = 'deleting'`)
  }
  await knex.raw(`
    CREATE TABLE deleted_clients (
      id         bigint PRIMARY KEY,
      client_id  text NOT NULL CONSTRAINT deleted_clients_client_id_unique UNIQUE,
      deleted_at timestamptz NOT NULL DEFAULT now()
    );
    COMMENT ON TABLE deleted_clients IS 'the keys of deleted clients, until all their tokens have expired';
    CREATE INDEX deleted_clients_by_time ON deleted_clients (deleted_at);

    CREATE FUNCTION increase_client_key() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE
      sequence regclass := pg_get_serial_sequence('clients', 'id');
      greatest_key bigint := greatest((SELECT max(id) FROM clients), (SELECT max(id) FROM deleted_clients));
    BEGIN
      IF NEW.id > coalesce(greatest_key, 0) THEN
        RETURN NEW;
      END IF;
      -- Only when the sequence is behind. The lock keeps two transactions from setting it to the same number.
      PERFORM pg_advisory_xact_lock(hashtext('keywright sequence ' || sequence::text));
      greatest_key := greatest((SELECT max(id) FROM clients), (SELECT max(id) FROM deleted_clients));
      NEW.id := nextval(sequence);
      IF NEW.id <= greatest_key THEN
        PERFORM setval(sequence, greatest_key);
        NEW.id := nextval(sequence);
      END IF;
      RETURN NEW;
    END $$;
    DROP TRIGGER clients_key_increases ON clients;
    CREATE TRIGGER clients_key_increases BEFORE INSERT ON clients FOR EACH ROW EXECUTE FUNCTION increase_client_key();
  `)
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    DROP TRIGGER clients_key_increases ON clients;
    CREATE TRIGGER clients_key_increases BEFORE INSERT ON clients FOR EACH ROW EXECUTE FUNCTION increase_key();
    DROP FUNCTION increase_client_key(); DROP TABLE deleted_clients;
  `)
  for (const [table, former] of Object.entries(FORMER)) {
    await knex.raw(`DROP INDEX ${table}_deleting`)
    await setStatuses(knex, table, former)
  }
}
