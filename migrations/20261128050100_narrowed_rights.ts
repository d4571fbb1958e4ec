/**
 * A change that takes a right away from a client revokes what exceeds the remaining rights, in its own transaction.
 * Tokens, refresh tokens and consents have rows of their own to update. Codes are sealed, so they carry a number instead:
 * `code_epoch` of their client, which each such change raises.
 *
 * A consent that the registration gave in place of the user (`skipped`) ends when the registration no longer says so.
 * Until now this was not recorded: consents of clients that skip the consent page count as skipped.
 */
import type { Knex } from 'knex'

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    ALTER TABLE clients ADD COLUMN code_epoch integer NOT NULL DEFAULT 0;
    COMMENT ON COLUMN clients.code_epoch IS 'raised when a right is taken away: codes that were issued before are dead';
    ALTER TABLE engine_models ADD COLUMN code_epoch integer NOT NULL DEFAULT 0;
    COMMENT ON COLUMN engine_models.code_epoch IS 'of a code: the code_epoch of its client when its request began';
    ALTER TABLE consents ADD COLUMN skipped boolean NOT NULL DEFAULT false;
    COMMENT ON COLUMN consents.skipped IS 'the user was not asked for all of it, because the client skips the consent page';
    UPDATE consents SET skipped = true FROM clients c WHERE c.id = consents.client_id AND c.consent <> 'show';
  `)
}

/** Codes that were dead may be redeemed until they expire, ten minutes at most. */
export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    ALTER TABLE consents DROP COLUMN skipped;
    ALTER TABLE engine_models DROP COLUMN code_epoch;
    ALTER TABLE clients DROP COLUMN code_epoch;
  `)
}
