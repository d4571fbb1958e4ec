/**
 * The audit log becomes a chain: entries are written as ever, by writers who wait for nobody, and a job gives each that is
 * committed its place (`seq`) and a hash that rests on the one before. The key of that hash lies sealed in `audit_chain`,
 * with the chain's two ends, so that whoever can write to the database alone can neither recompute the chain nor
 * shorten it unseen (docs/adr/0012-audit-log.md). Entries that were there before follow a mark that says so.
 *
 * And its lists are read newest first, by account and by whatever they are searched for: an index for each.
 */
import type { Knex } from 'knex'

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    CREATE TABLE audit_chain (
      one_row    boolean PRIMARY KEY DEFAULT true,
      sealed_key bytea NOT NULL,
      head_seq   bigint NOT NULL,
      head_hash  bytea NOT NULL,
      base_seq   bigint NOT NULL,
      base_hash  bytea NOT NULL,
      mac        bytea NOT NULL,
      CONSTRAINT audit_chain_one_row CHECK (one_row)
    );
    COMMENT ON COLUMN audit_chain.base_seq IS 'the last entry that was forgotten by age; the chain begins after it';

    ALTER TABLE audit_log ADD COLUMN seq bigint, ADD COLUMN chain_hash bytea,
      ADD CONSTRAINT audit_log_at CHECK (isfinite(at)),
      ADD CONSTRAINT audit_log_sealed CHECK ((seq IS NULL) = (chain_hash IS NULL));
    CREATE UNIQUE INDEX audit_log_by_seq ON audit_log (seq);
    CREATE INDEX audit_log_unsealed ON audit_log (at, id) WHERE seq IS NULL;

    DROP INDEX audit_log_by_account;
    DROP INDEX audit_log_by_time;
    CREATE INDEX audit_log_by_time ON audit_log (at, id);
    CREATE INDEX audit_log_by_account ON audit_log (account_id, at, id);
    CREATE INDEX audit_log_by_actor ON audit_log (actor_id, at, id);
    CREATE INDEX audit_log_by_target ON audit_log (target_id, at, id);
    CREATE INDEX audit_log_by_ip ON audit_log (ip, at, id);
    CREATE INDEX audit_log_by_request ON audit_log (request_id) WHERE request_id IS NOT NULL;
    CREATE INDEX audit_log_by_action ON audit_log (action text_pattern_ops, at);
  `)
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    DROP INDEX audit_log_by_action; DROP INDEX audit_log_by_request; DROP INDEX audit_log_by_ip;
    DROP INDEX audit_log_by_target; DROP INDEX audit_log_by_actor; DROP INDEX audit_log_by_account;
    DROP INDEX audit_log_by_time;
    CREATE INDEX audit_log_by_account ON audit_log (account_id, at);
    CREATE INDEX audit_log_by_time ON audit_log (at);
    ALTER TABLE audit_log DROP CONSTRAINT audit_log_sealed, DROP CONSTRAINT audit_log_at, DROP COLUMN seq, DROP COLUMN chain_hash;
    DROP TABLE audit_chain;
  `)
}
