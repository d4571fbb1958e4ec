/**
 * One table for what the engine itself stores (sessions, codes, grants, interactions, replay detection). Its ids are
 * secrets, so the key is their hash.
 */
import type { Knex } from 'knex'

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    CREATE TABLE engine_models (
      model       text NOT NULL,
      id_hash     bytea NOT NULL,
      payload     jsonb NOT NULL,
      grant_hash  bytea,
      uid_hash    bytea,
      code_hash   bytea,
      consumed_at timestamptz,
      expires_at  timestamptz,
      PRIMARY KEY (model, id_hash)
    );
    CREATE INDEX engine_models_by_grant ON engine_models (grant_hash) WHERE grant_hash IS NOT NULL;
    CREATE INDEX engine_models_by_uid ON engine_models (uid_hash) WHERE uid_hash IS NOT NULL;
    CREATE INDEX engine_models_by_user_code ON engine_models (code_hash) WHERE code_hash IS NOT NULL;
    CREATE INDEX engine_models_expired ON engine_models (expires_at);
  `)
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('DROP TABLE engine_models')
}
