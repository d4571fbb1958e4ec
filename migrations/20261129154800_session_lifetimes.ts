/**
 * Lifetimes of browser sessions as settings of the instance. They were settings of the process, which a node could have of its own,
 * and which needed a restart. The initial values are the former defaults.
 *
 * `engine_models.last_used_at` is when a session was last used, so that a shorter idle lifetime applies to sessions that exist:
 * `expires_at` follows the lifetime at the last use. Existing sessions count as used now.
 *
 * The way back restores the lifetimes of the process.
 */
import type { Knex } from 'knex'

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    ALTER TABLE instance_settings
      ADD COLUMN session_idle_lifetime integer NOT NULL DEFAULT 259200,
      ADD COLUMN session_lifetime integer NOT NULL DEFAULT 604800,
      ADD CONSTRAINT instance_settings_session_idle_lifetime CHECK (session_idle_lifetime BETWEEN 300 AND 31536000),
      ADD CONSTRAINT instance_settings_session_lifetime CHECK (session_lifetime BETWEEN 300 AND 31536000);
    COMMENT ON COLUMN instance_settings.session_idle_lifetime IS 'seconds after the last request';
    COMMENT ON COLUMN instance_settings.session_lifetime IS 'seconds after the sign-in'`)
  // A default that is the same for all rows does not rewrite the table.
  await knex.raw(`
    ALTER TABLE engine_models ADD COLUMN last_used_at timestamptz DEFAULT now();
    ALTER TABLE engine_models ALTER COLUMN last_used_at DROP DEFAULT;
    COMMENT ON COLUMN engine_models.last_used_at IS 'of a session: to within a few minutes'`)
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    ALTER TABLE engine_models DROP COLUMN last_used_at;
    ALTER TABLE instance_settings DROP COLUMN session_lifetime, DROP COLUMN session_idle_lifetime`)
}
