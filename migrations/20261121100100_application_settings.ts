/**
 * What an application that people sign in to is told beyond its redirect URIs: where they go after signing out and who
 * hears of it, what a request without scope means, how long and in which way access is kept, and whether its own
 * account's people are asked. The defaults are what every client had before, and the stricter choice.
 *
 * A scope's text is what a person reads before they allow it. Scopes stay a list in `apis`; the texts hang beside it, so
 * that an API works without any.
 */
import type { Knex } from 'knex'

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    ALTER TABLE clients
      ADD COLUMN pkce_required             boolean NOT NULL DEFAULT true,
      ADD COLUMN post_logout_redirect_uris text[] NOT NULL DEFAULT '{}',
      ADD COLUMN backchannel_logout_uri    text,
      ADD COLUMN default_scopes            text[],
      ADD COLUMN refresh_token_max_age     integer,
      ADD COLUMN refresh_token_rotation    boolean NOT NULL DEFAULT true,
      ADD COLUMN refresh_tokens            text NOT NULL DEFAULT 'always',
      ADD COLUMN id_token_alg              text NOT NULL DEFAULT 'RS256',
      ADD CONSTRAINT clients_id_token_alg CHECK (id_token_alg IN ('RS256', 'ES256')),
      ADD CONSTRAINT clients_public_is_protected CHECK (NOT is_public OR (pkce_required AND refresh_token_rotation)),
      ADD CONSTRAINT clients_refresh_token_max_age CHECK (refresh_token_max_age BETWEEN 60 AND 315360000),
      ADD CONSTRAINT clients_refresh_tokens CHECK (refresh_tokens IN ('always', 'offline_access')),
      DROP CONSTRAINT clients_consent,
      ADD CONSTRAINT clients_consent CHECK (consent IN ('show', 'skip', 'skip_own_account'));
    COMMENT ON COLUMN clients.default_scopes IS 'null: every scope that the client has of the API';
    COMMENT ON COLUMN clients.refresh_token_max_age IS 'seconds since the sign-in; null: no absolute end';

    CREATE TABLE scope_texts (
      api_id      integer NOT NULL CONSTRAINT scope_texts_api REFERENCES apis (id) ON DELETE CASCADE,
      scope       text NOT NULL,
      title       text NOT NULL,
      description text NOT NULL,
      PRIMARY KEY (api_id, scope),
      CONSTRAINT scope_texts_title CHECK (char_length(title) BETWEEN 1 AND 100),
      CONSTRAINT scope_texts_description CHECK (char_length(description) <= 500)
    );
  `)
}

/** Who was not asked for being of the account is asked again: the former schema knows only everybody or nobody. */
export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    DROP TABLE scope_texts;
    UPDATE clients SET consent = 'show', version = version + 1 WHERE consent = 'skip_own_account';
    ALTER TABLE clients
      DROP CONSTRAINT clients_consent,
      ADD CONSTRAINT clients_consent CHECK (consent IN ('show', 'skip')),
      DROP CONSTRAINT clients_public_is_protected,
      DROP COLUMN id_token_alg,
      DROP COLUMN refresh_tokens,
      DROP COLUMN refresh_token_rotation,
      DROP COLUMN refresh_token_max_age,
      DROP COLUMN default_scopes,
      DROP COLUMN backchannel_logout_uri,
      DROP COLUMN post_logout_redirect_uris,
      DROP COLUMN pkce_required;
  `)
}
