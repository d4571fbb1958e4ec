/**
 * A program creates users and takes passwords away, but never receives a password. So a user can be without one, until a
 * person gives them a one-time password in the console or at the command line.
 */
import type { Knex } from 'knex'

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    ALTER TABLE users ALTER COLUMN password_hash DROP NOT NULL;
    COMMENT ON COLUMN users.password_hash IS 'argon2id, PHC string; null: no password, so that nobody can sign in as them';
  `)
}

/** Users without a password get a hash that no password has. They stay without one until they are given another. */
export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    UPDATE users
       SET password_hash = '$argon2id$v=19$m=19456,t=2,p=1$' || rtrim(encode(decode(md5(random()::text), 'hex'), 'base64'), '=')
                           || '$' || rtrim(encode(sha256(convert_to(random()::text, 'UTF8')), 'base64'), '=')
     WHERE password_hash IS NULL;
    ALTER TABLE users ALTER COLUMN password_hash SET NOT NULL;
    COMMENT ON COLUMN users.password_hash IS NULL;
  `)
}
