/**
 * The retirement of a public key is recorded in `revocations` as that of a client secret is: it revokes the tokens that the key obtained.
 * Keys that retired before are recorded here, once more than needed where nothing depends on them.
 */
import type { Knex } from 'knex'

const TRIGGER = (condition: string) => `
    DROP TRIGGER client_secrets_retired ON client_secrets;
    CREATE TRIGGER client_secrets_retired AFTER UPDATE OF retires_at ON client_secrets
      FOR EACH ROW WHEN (NEW.retires_at IS DISTINCT FROM OLD.retires_at AND ${condition})
      EXECUTE FUNCTION record_retired_secret();`

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`${TRIGGER(`NEW.kind IN ('secret', 'key')`)}
    INSERT INTO revocations (client_id, secret_id) SELECT client_id, id FROM client_secrets WHERE kind = 'key' AND retires_at <= now()`)
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(TRIGGER(`NEW.kind = 'secret'`))
}
