/**
 * The memberships of users: their role in an account.
 *
 * `users.account_id` and `users.role` stay, because nodes of the previous version read and write them during a rolling upgrade.
 * These nodes know the roles `admin` and `member` only, so `users.role` holds `member` for every role of an account other than
 * `admin`: a node of the previous version grants less, never more. The role in full is in `memberships`.
 *
 * A trigger repeats what such a node writes. It leaves a membership alone whose role is written as `member` in `users` anyway:
 * otherwise the change of any other column would make a viewer a member.
 *
 * The memberships of a user are few, so they are deleted with the user by the foreign key.
 *
 * The way back makes members of developers and viewers.
 */
import type { Knex } from 'knex'

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    CREATE TABLE memberships (
      user_id    uuid NOT NULL CONSTRAINT memberships_user REFERENCES users (id) ON DELETE CASCADE,
      account_id uuid NOT NULL CONSTRAINT memberships_account REFERENCES accounts (id),
      role       text NOT NULL,
      created_at timestamptz NOT NULL DEFAULT now(),
      CONSTRAINT memberships_pkey PRIMARY KEY (user_id, account_id),
      CONSTRAINT memberships_role CHECK (role IN ('admin', 'developer', 'viewer', 'member'))
    );
    CREATE INDEX memberships_by_account ON memberships (account_id, user_id);

    CREATE FUNCTION write_membership() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      IF NEW.account_id IS NOT NULL THEN
        INSERT INTO memberships AS m (user_id, account_id, role) VALUES (NEW.id, NEW.account_id, NEW.role)
          ON CONFLICT (user_id, account_id) DO UPDATE SET role = EXCLUDED.role
            WHERE (CASE WHEN m.role = 'admin' THEN 'admin' ELSE 'member' END) <> EXCLUDED.role;
      END IF;
      RETURN NULL;
    END $$;
    CREATE TRIGGER users_membership AFTER INSERT OR UPDATE OF role, account_id ON users
      FOR EACH ROW EXECUTE FUNCTION write_membership();

    INSERT INTO memberships (user_id, account_id, role, created_at)
      SELECT id, account_id, role, created_at FROM users WHERE account_id IS NOT NULL`)
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    DROP TRIGGER users_membership ON users;
    DROP FUNCTION write_membership();
    DROP TABLE memberships`)
}
