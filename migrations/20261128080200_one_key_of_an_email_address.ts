/**
 * Addresses were compared by the database's `lower`, which depends on its locale, and by JavaScript's rule for ASCII letters:
 * `MÜLLER@…` counted as taken but could not sign in, and `bücher.example` and `xn--bcher-kva.example` were two users. Now the
 * server makes one key of an address (`accounts/email-addresses.ts`, as it was on this day), and everything compares that.
 *
 * Servers of the version before go on running and do not know the column, so a trigger gives their users a key. It is the
 * right one for every address of ASCII characters.
 */
import { domainToASCII } from 'node:url'
import type { Knex } from 'knex'

interface User {
  id: string
  email: string
}

function normalized({ id, email }: User) {
  const at = email.lastIndexOf('@')
  const written = email.slice(at + 1)
  const domain = (/[\u{80}-\u{10ffff}]/u.test(written) && domainToASCII(written)) || written.toLowerCase()
  const address = `${email.slice(0, at).normalize('NFC')}@${domain}`
  return { id, email: address.length > 254 ? email : address, key: address.toLowerCase().normalize('NFC') }
}

/** @throws Error that names the users who share an address: which of them keeps it, only their operator can say */
function checkDistinct(users: readonly User[]): void {
  const byKey = Map.groupBy(users, (user) => normalized(user).key)
  for (const [key, same] of byKey) {
    if (same.length < 2) continue
    const names = same.map(({ id, email }) => `${email} (${id})`).join(' and ')
    throw new Error(
      `${names} have the same address ${key}; change one with "keywright user update" of the version before, then migrate again`,
    )
  }
}

export async function up(knex: Knex): Promise<void> {
  await knex.raw('ALTER TABLE users ADD COLUMN email_key text')
  const users: User[] = await knex('users').select('id', 'email')
  checkDistinct(users)
  const rows = users.map(normalized)
  for (let from = 0; from < rows.length; from += 5000) {
    await knex.raw(
      `UPDATE users u SET email = r.email, email_key = r.key
         FROM json_to_recordset(?) AS r(id uuid, email text, key text) WHERE u.id = r.id`,
      [JSON.stringify(rows.slice(from, from + 5000))],
    )
  }
  await knex.raw(`
    CREATE FUNCTION set_email_key() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      IF NEW.email_key IS NULL
         OR (TG_OP = 'UPDATE' AND NEW.email <> OLD.email AND NEW.email_key = OLD.email_key) THEN
        NEW.email_key := lower(NEW.email);
      END IF;
      RETURN NEW;
    END $$;
    CREATE TRIGGER users_email_key BEFORE INSERT OR UPDATE OF email, email_key ON users
      FOR EACH ROW EXECUTE FUNCTION set_email_key();
    ALTER TABLE users ALTER COLUMN email_key SET NOT NULL;
    COMMENT ON COLUMN users.email_key IS 'by this two addresses are the same: NFC, in small letters, the domain in ASCII';

    DROP INDEX users_email_unique;
    DROP INDEX users_in_order;
    CREATE UNIQUE INDEX users_email_unique ON users (email_key);
    CREATE INDEX users_in_order ON users (account_id, email_key, id);
  `)
}

/** Addresses stay as they are stored by then. */
export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    DROP INDEX users_in_order;
    DROP INDEX users_email_unique;
    CREATE UNIQUE INDEX users_email_unique ON users (lower(email));
    CREATE INDEX users_in_order ON users (account_id, lower(email), id);
    DROP TRIGGER users_email_key ON users;
    DROP FUNCTION set_email_key();
    ALTER TABLE users DROP COLUMN email_key;
  `)
}
