/**
 * The sort keys of users in `memberships`, so that indexes provide the users of an account in order, also those who belong to it as
 * a further account. Triggers keep them, also for what nodes of the previous version write.
 *
 * The trigger of a new membership locks its user, so that the keys do not miss a change of the user that is not committed yet.
 */
import type { Knex } from 'knex'

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    ALTER TABLE memberships
      ADD COLUMN email_key text,
      ADD COLUMN name_key text,
      ADD COLUMN user_created_at timestamptz;
    COMMENT ON COLUMN memberships.email_key IS 'the key of the address of the user, also of a pending one';
    COMMENT ON COLUMN memberships.name_key IS 'the name of the user, or their address, in lower case';

    CREATE FUNCTION complete_membership() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      SELECT split_part(u.email_key, ' ', 1), lower(coalesce(u.name, u.email)), u.created_at
        INTO NEW.email_key, NEW.name_key, NEW.user_created_at
        FROM users u WHERE u.id = NEW.user_id FOR SHARE;
      RETURN NEW;
    END $$;
    CREATE TRIGGER memberships_complete BEFORE INSERT ON memberships FOR EACH ROW EXECUTE FUNCTION complete_membership();

    CREATE FUNCTION sort_memberships() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      UPDATE memberships
         SET email_key = split_part(NEW.email_key, ' ', 1), name_key = lower(coalesce(NEW.name, NEW.email)), user_created_at = NEW.created_at
       WHERE user_id = NEW.id;
      RETURN NULL;
    END $$;
    CREATE TRIGGER users_sort_keys AFTER UPDATE OF email_key, email, name, created_at ON users
      FOR EACH ROW WHEN ((OLD.email_key, OLD.email, OLD.name, OLD.created_at) IS DISTINCT FROM (NEW.email_key, NEW.email, NEW.name, NEW.created_at))
      EXECUTE FUNCTION sort_memberships();

    UPDATE memberships m
       SET email_key = split_part(u.email_key, ' ', 1), name_key = lower(coalesce(u.name, u.email)), user_created_at = u.created_at
      FROM users u WHERE u.id = m.user_id;
    ALTER TABLE memberships
      ALTER COLUMN email_key SET NOT NULL,
      ALTER COLUMN name_key SET NOT NULL,
      ALTER COLUMN user_created_at SET NOT NULL;
    CREATE INDEX memberships_by_email ON memberships (account_id, email_key, user_id);
    CREATE INDEX memberships_by_name ON memberships (account_id, name_key, user_id);
    CREATE INDEX memberships_by_creation ON memberships (account_id, user_created_at, user_id)`)
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    DROP TRIGGER users_sort_keys ON users;
    DROP TRIGGER memberships_complete ON memberships;
    DROP FUNCTION sort_memberships();
    DROP FUNCTION complete_membership();
    ALTER TABLE memberships DROP COLUMN email_key, DROP COLUMN name_key, DROP COLUMN user_created_at`)
}
