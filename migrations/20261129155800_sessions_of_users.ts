/**
 * Lists of the sessions of a user. The ID of a session is the secret of its browser and is stored as a hash, and the payload is sealed, so
 * what a list shows is in columns of its own, with an ID that grants nothing.
 *
 * Sessions that exist get the columns at their next use, and are listed from then on.
 *
 * `address` and the words for the browser describe a person: they are deleted with the session, and with the user.
 */
import type { Knex } from 'knex'

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    ALTER TABLE engine_models
      ADD COLUMN session_id uuid,
      ADD COLUMN user_id uuid,
      ADD COLUMN signed_in_at timestamptz,
      ADD COLUMN browser text,
      ADD COLUMN system text,
      ADD COLUMN address text;
    COMMENT ON COLUMN engine_models.session_id IS 'of a session of a user: names it in lists, and is no secret';
    COMMENT ON COLUMN engine_models.subject_since IS
      'of a code or session: the sessions_valid_from of its user when it was issued; of a session to the millisecond';
    CREATE INDEX engine_models_of_user ON engine_models (user_id, last_used_at) WHERE user_id IS NOT NULL`)
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    ALTER TABLE engine_models
      DROP COLUMN address, DROP COLUMN system, DROP COLUMN browser,
      DROP COLUMN signed_in_at, DROP COLUMN user_id, DROP COLUMN session_id`)
}
