/**
 * The list of clients whose secret expires soon.
 *
 * `secret_expires_at` is the earliest expiry of the client secret and the API key of a client, without those that a rotation replaced
 * and those that are retired. A trigger keeps it, so that each change of a secret counts, also one on a node of the earlier
 * version. Every transaction that adds or retires a secret has locked its client before. The uses of a secret do not change it.
 *
 * The indexes hold only clients with a secret that expires.
 */
import type { Knex } from 'knex'

const EXPIRING = `WHERE kind <> 'api' AND status = 'active' AND secret_expires_at IS NOT NULL`

const expiryOf = (key: string): string => `(
  SELECT min(s.expires_at) FROM client_secrets s
   WHERE s.client_id = ${key} AND s.retires_at > now()
     AND NOT EXISTS (SELECT FROM client_secrets n WHERE n.client_id = s.client_id AND n.kind = s.kind AND n.id > s.id))`

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    ALTER TABLE clients ADD COLUMN secret_expires_at timestamptz;
    COMMENT ON COLUMN clients.secret_expires_at IS 'earliest expiry of its current secrets; null: none of them expires';

    CREATE FUNCTION record_secret_expiry() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      UPDATE clients c SET secret_expires_at = e.expiry
        FROM (SELECT ${expiryOf('NEW.client_id')} AS expiry) e
       WHERE c.id = NEW.client_id AND c.secret_expires_at IS DISTINCT FROM e.expiry;
      RETURN NULL;
    END $$;
    CREATE TRIGGER client_secrets_expiry AFTER INSERT OR UPDATE OF expires_at, retires_at ON client_secrets
      FOR EACH ROW EXECUTE FUNCTION record_secret_expiry();

    UPDATE clients c SET secret_expires_at = ${expiryOf('c.id')}
     WHERE c.id IN (SELECT client_id FROM client_secrets WHERE expires_at > now());

    CREATE INDEX clients_expiring ON clients (secret_expires_at, id) ${EXPIRING};
    CREATE INDEX clients_expiring_of ON clients (account_id, secret_expires_at, id) ${EXPIRING};
    CREATE INDEX clients_expiring_by_kind ON clients (kind, secret_expires_at, id) ${EXPIRING};
    CREATE INDEX clients_expiring_of_by_kind ON clients (account_id, kind, secret_expires_at, id) ${EXPIRING};
  `)
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    DROP TRIGGER client_secrets_expiry ON client_secrets;
    DROP FUNCTION record_secret_expiry;
    ALTER TABLE clients DROP COLUMN secret_expires_at;
  `)
}
