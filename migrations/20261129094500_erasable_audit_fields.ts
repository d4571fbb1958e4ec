/**
 * Personal fields of audit events can be erased while the chain still verifies. In format 2, the chain covers a commitment to a
 * field (SHA-256 of a random salt and the field) instead of the field. Field and salt are stored beside it and can be erased:
 * without the salt, the commitment reveals nothing (docs/adr/0012-audit-log.md).
 *
 * Events of format 1 keep verifying: the chain covers their fields themselves, which therefore cannot be erased.
 *
 * The way back fails if an event of format 2 exists, because the former program cannot verify it.
 */
import type { Knex } from 'knex'

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    ALTER TABLE audit_log
      ADD COLUMN format              smallint NOT NULL DEFAULT 1,
      ADD COLUMN ip_salt             bytea,
      ADD COLUMN ip_commitment       bytea,
      ADD COLUMN personal            text,
      ADD COLUMN personal_salt       bytea,
      ADD COLUMN personal_commitment bytea,
      ADD CONSTRAINT audit_log_format CHECK (format IN (1, 2)) NOT VALID;
    COMMENT ON COLUMN audit_log.format IS '2: the chain covers commitments to ip and personal instead of the fields';
    COMMENT ON COLUMN audit_log.personal IS 'JSON: the part of the detail that describes the user who is the target; null: none, or erased'`)
  // Checks existing rows without blocking new ones.
  await knex.raw('ALTER TABLE audit_log VALIDATE CONSTRAINT audit_log_format')
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    ALTER TABLE audit_log ADD CONSTRAINT audit_log_former CHECK (format = 1);
    ALTER TABLE audit_log DROP CONSTRAINT audit_log_former, DROP COLUMN format, DROP COLUMN ip_salt, DROP COLUMN ip_commitment,
      DROP COLUMN personal, DROP COLUMN personal_salt, DROP COLUMN personal_commitment`)
}
