/**
 * Identity assertions (docs/adr/0057-identity-assertions.md): an application obtains tokens for a user by an assertion of the identity
 * provider of their account, without a consent.
 *
 * Such a token has the ID of the identity as its `grant_id`. Triggers revoke it with the identity, with a sign-out at the provider, and
 * when the provider is disabled or its assertions are no longer accepted: so no change can miss it, not even one by a node of the
 * previous version. The functions use no sequential scan: a session plans their statements once, perhaps while the table is empty.
 *
 * The way back revokes these tokens, which nothing would end with the identity any more.
 */
import type { Knex } from 'knex'

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    ALTER TABLE identity_providers ADD COLUMN identity_assertions boolean NOT NULL DEFAULT false;
    COMMENT ON COLUMN identity_providers.identity_assertions IS 'whether applications obtain tokens by its assertions';
    CREATE INDEX identity_providers_with_assertions ON identity_providers (issuer) WHERE identity_assertions;

    ALTER TABLE clients ADD COLUMN identity_assertions boolean NOT NULL DEFAULT false;
    COMMENT ON COLUMN clients.identity_assertions IS 'whether it obtains tokens by assertions of identity providers';

    ALTER TABLE user_identities ADD COLUMN signed_out_at timestamptz;
    COMMENT ON COLUMN user_identities.signed_out_at IS 'assertions that the provider issued earlier obtain no tokens; null: it announced no sign-out';
    COMMENT ON COLUMN access_tokens.grant_id IS
      'the authorization code or refresh-token family that the token was issued from, or the identity whose assertion obtained it';

    CREATE FUNCTION revoke_tokens_of_identity() RETURNS trigger LANGUAGE plpgsql SET enable_seqscan TO off AS $$
    BEGIN
      UPDATE access_tokens t SET revoked_at = now()
       WHERE t.grant_id = NEW.id AND t.expires_at > now() AND t.revoked_at IS NULL;
      RETURN NULL;
    END $$;
    CREATE TRIGGER user_identities_signed_out AFTER UPDATE OF revocation_epoch, signed_out_at ON user_identities
      FOR EACH ROW WHEN (OLD.revocation_epoch <> NEW.revocation_epoch OR OLD.signed_out_at IS DISTINCT FROM NEW.signed_out_at)
      EXECUTE FUNCTION revoke_tokens_of_identity();

    CREATE FUNCTION revoke_tokens_of_removed_identities() RETURNS trigger LANGUAGE plpgsql
      SET enable_seqscan TO off SET enable_hashjoin TO off SET enable_mergejoin TO off AS $$
    BEGIN
      UPDATE access_tokens t SET revoked_at = now()
        FROM removed r WHERE t.grant_id = r.id AND t.expires_at > now() AND t.revoked_at IS NULL;
      RETURN NULL;
    END $$;
    CREATE TRIGGER user_identities_removed AFTER DELETE ON user_identities
      REFERENCING OLD TABLE AS removed FOR EACH STATEMENT EXECUTE FUNCTION revoke_tokens_of_removed_identities();

    CREATE FUNCTION revoke_tokens_of_provider() RETURNS trigger LANGUAGE plpgsql
      SET enable_seqscan TO off SET enable_hashjoin TO off SET enable_mergejoin TO off AS $$
    BEGIN
      UPDATE access_tokens t SET revoked_at = now()
        FROM user_identities i
       WHERE i.provider_id = NEW.id AND t.grant_id = i.id AND t.expires_at > now() AND t.revoked_at IS NULL;
      RETURN NULL;
    END $$;
    CREATE TRIGGER identity_providers_assertions_ended AFTER UPDATE OF revocation_epoch, identity_assertions ON identity_providers
      FOR EACH ROW WHEN (OLD.identity_assertions
                         AND (OLD.revocation_epoch <> NEW.revocation_epoch OR NOT NEW.identity_assertions))
      EXECUTE FUNCTION revoke_tokens_of_provider()`)
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    UPDATE access_tokens t SET revoked_at = now() FROM user_identities i WHERE t.grant_id = i.id AND t.revoked_at IS NULL;
    DROP TRIGGER identity_providers_assertions_ended ON identity_providers; DROP FUNCTION revoke_tokens_of_provider();
    DROP TRIGGER user_identities_removed ON user_identities; DROP FUNCTION revoke_tokens_of_removed_identities();
    DROP TRIGGER user_identities_signed_out ON user_identities; DROP FUNCTION revoke_tokens_of_identity();
    ALTER TABLE user_identities DROP COLUMN signed_out_at;
    ALTER TABLE clients DROP COLUMN identity_assertions;
    ALTER TABLE identity_providers DROP COLUMN identity_assertions`)
}
