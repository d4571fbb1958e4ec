/**
 * Accounts are the walls: everything a customer owns hangs on one.
 * A user is an operator (of no account) or an admin or member of exactly one.
 */
import type { Knex } from 'knex'

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    CREATE TABLE accounts (
      id          uuid PRIMARY KEY,
      name        text NOT NULL,
      status      text NOT NULL DEFAULT 'active',
      created_at  timestamptz NOT NULL DEFAULT now(),
      disabled_at timestamptz,
      CONSTRAINT accounts_status CHECK (status IN ('active', 'disabled')),
      CONSTRAINT accounts_name CHECK (char_length(name) BETWEEN 1 AND 200)
    );

    CREATE TABLE users (
      id                       uuid PRIMARY KEY,
      account_id               uuid CONSTRAINT users_account REFERENCES accounts (id),
      email                    text NOT NULL,
      role                     text NOT NULL,
      status                   text NOT NULL DEFAULT 'active',
      password_hash            text NOT NULL,
      password_change_required boolean NOT NULL DEFAULT true,
      created_at               timestamptz NOT NULL DEFAULT now(),
      CONSTRAINT users_role CHECK (role IN ('operator', 'admin', 'member')),
      CONSTRAINT users_status CHECK (status IN ('active', 'disabled')),
      CONSTRAINT users_email CHECK (char_length(email) BETWEEN 3 AND 254),
      CONSTRAINT users_account_of_role CHECK ((role = 'operator') = (account_id IS NULL))
    );
    CREATE UNIQUE INDEX users_email_unique ON users (lower(email));
    CREATE INDEX users_by_account ON users (account_id);
  `)
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('DROP TABLE users; DROP TABLE accounts;')
}
