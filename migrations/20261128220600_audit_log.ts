/**
 * The audit log, written in the transaction of the action that it records.
 *
 * Its entries form a chain: a job gives each committed entry its number (`seq`) and a hash that depends on the entry before
 * it, so that writers never wait for each other. The key of the hash is sealed in `audit_chain` together with both ends of
 * the chain: an attacker who can only write to the database can neither recompute nor shorten the chain unnoticed
 * (docs/adr/0012-audit-log.md). Lists are read newest first, each by an index.
 */
import type { Knex } from 'knex'

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    CREATE TABLE audit_log (
      id          uuid PRIMARY KEY,
      at          timestamptz NOT NULL DEFAULT now(),
      action      text NOT NULL,
      actor_type  text NOT NULL,
      actor_id    text,
      account_id  uuid,
      target_type text NOT NULL,
      target_id   text NOT NULL,
      ip          text,
      request_id  text,
      detail      jsonb NOT NULL DEFAULT '{}',
      seq         bigint,
      chain_hash  bytea,
      CONSTRAINT audit_log_at CHECK (isfinite(at)),
      CONSTRAINT audit_log_actor_type CHECK (actor_type IN ('system', 'cli', 'user', 'client')),
      CONSTRAINT audit_log_sealed CHECK ((seq IS NULL) = (chain_hash IS NULL))
    );
    COMMENT ON COLUMN audit_log.seq IS 'null: not in the chain yet';
    CREATE UNIQUE INDEX audit_log_by_seq ON audit_log (seq);
    CREATE INDEX audit_log_unsealed ON audit_log (at, id) WHERE seq IS NULL;
    CREATE INDEX audit_log_by_time ON audit_log (at, id);
    CREATE INDEX audit_log_by_account ON audit_log (account_id, at, id);
    CREATE INDEX audit_log_by_actor ON audit_log (actor_id, at, id);
    CREATE INDEX audit_log_by_target ON audit_log (target_id, at, id);
    CREATE INDEX audit_log_by_ip ON audit_log (ip, at, id);
    CREATE INDEX audit_log_by_action ON audit_log (action text_pattern_ops, at);
    CREATE INDEX audit_log_by_request ON audit_log (request_id) WHERE request_id IS NOT NULL;

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
    COMMENT ON COLUMN audit_chain.base_seq IS 'the last entry that was deleted by age; the chain begins after it';
  `)
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('DROP TABLE audit_chain; DROP TABLE audit_log')
}
