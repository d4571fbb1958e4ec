/**
 * Numbers that define an order only rise, even after a sequence was set back. Logical replication and some restores do
 * not carry sequences, and `setval` is one statement away.
 *
 * `token_slots.generation` no longer comes from a sequence: it is the time of the database in microseconds, and always
 * greater than the row's present number. The trigger keeps this for servers of the version before too, which still draw
 * from the sequence while an installation is upgraded node by node. A later migration drops the sequence.
 *
 * Keys from identity columns are checked against the greatest one of their table. A key that is used a second time would
 * otherwise make a token valid again that was revoked with the former row, or mix the tokens of two status lists.
 */
import type { Knex } from 'knex'

const TABLES = ['apis', 'clients', 'client_secrets', 'status_lists'] as const

const RISING_KEY = (table: string) => `
  CREATE TRIGGER ${table}_key_rises BEFORE INSERT ON ${table} FOR EACH ROW EXECUTE FUNCTION key_rises();`

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    COMMENT ON SEQUENCE token_generations IS 'used by servers before 20261128030100 only';
    COMMENT ON COLUMN token_slots.generation IS
      'microseconds since 1970 when its last token was recorded, and always greater than the number before';

    CREATE FUNCTION generation_rises() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      NEW.generation := OLD.generation + 1;
      RETURN NEW;
    END $$;
    CREATE TRIGGER token_slots_generation_rises BEFORE UPDATE OF generation ON token_slots FOR EACH ROW
      WHEN (NEW.generation <= OLD.generation) EXECUTE FUNCTION generation_rises();

    -- The lock is taken only where the sequence is behind: two transactions must not set it to the same number.
    CREATE FUNCTION key_rises() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE
      sequence regclass := pg_get_serial_sequence(format('%I.%I', TG_TABLE_SCHEMA, TG_TABLE_NAME), 'id');
      greatest_key bigint;
    BEGIN
      EXECUTE format('SELECT max(id) FROM %I.%I', TG_TABLE_SCHEMA, TG_TABLE_NAME) INTO greatest_key;
      IF NEW.id > coalesce(greatest_key, 0) THEN
        RETURN NEW;
      END IF;
      PERFORM pg_advisory_xact_lock(hashtext('keywright sequence ' || sequence::text));
      EXECUTE format('SELECT max(id) FROM %I.%I', TG_TABLE_SCHEMA, TG_TABLE_NAME) INTO greatest_key;
      NEW.id := nextval(sequence);
      IF NEW.id <= greatest_key THEN
        PERFORM setval(sequence, greatest_key);
        NEW.id := nextval(sequence);
      END IF;
      RETURN NEW;
    END $$;
    ${TABLES.map(RISING_KEY).join('')}
  `)
}

/** Servers of the version before draw from the sequence again, so it starts above every number that was given out. */
export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    ${TABLES.map((table) => `DROP TRIGGER ${table}_key_rises ON ${table};`).join(' ')}
    DROP FUNCTION key_rises;
    DROP TRIGGER token_slots_generation_rises ON token_slots;
    DROP FUNCTION generation_rises;
    SELECT setval('token_generations', greatest(
      (SELECT last_value FROM token_generations),
      (SELECT max(generation) FROM token_slots),
      (extract(epoch FROM clock_timestamp()) * 1000000)::bigint));
    COMMENT ON COLUMN token_slots.generation IS NULL;
    COMMENT ON SEQUENCE token_generations IS NULL;
  `)
}
