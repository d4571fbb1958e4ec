/** Rows of every kind that grows, for tests of plans. */
import type { Knex } from 'knex'
import { sealAudit } from '../../src/audit/audit-sealing.ts'
import type { EncryptionKeys } from '../../src/shared/encryption-keys.ts'
import { newId } from '../../src/shared/ids.ts'

/** What the rows belong to. */
interface Owners {
  /** IDs. */
  readonly account: string
  readonly user: string
  readonly client: { readonly key: number }
}

/** A vacuum would change the plans, at any time, by where it lets PostgreSQL put the rows that are updated. */
const WITHOUT_VACUUM = `
  DO $$ DECLARE r regclass; BEGIN
    FOR r IN SELECT oid FROM pg_class WHERE relkind = 'r' AND relnamespace = current_schema::regnamespace LOOP
      EXECUTE format('ALTER TABLE %s SET (autovacuum_enabled = false)', r);
    END LOOP;
  END $$`

/** A large client and many small ones; every kind of row that grows. */
export async function fillDatabase(knex: Knex, encryptionKeys: EncryptionKeys, owners: Owners): Promise<void> {
  const { account, user, client } = owners
  await knex.raw(WITHOUT_VACUUM)
  const { id: api } = await knex('apis').where({ is_default: false, built_in: false }).first('id')
  const { key } = client
  await knex.raw(
    `INSERT INTO users (id, account_id, email, email_key, role, password_hash)
     SELECT gen_random_uuid(), :account, x.email, x.email, 'admin', 'x' FROM generate_series(1, 5000) n, concat('filled-', n, '@example.com') AS x(email)`,
    { account },
  )
  await knex.raw(
    `INSERT INTO clients (client_id, kind, account_id, user_id, name, grants)
     SELECT 'kwc_filled' || row_number() OVER (), 'key_pair', account_id, id, 'Filled', '{client_credentials}'
       FROM users WHERE email LIKE 'filled-%'`,
  )
  await knex.raw(
    `INSERT INTO clients (client_id, kind, account_id, name, grants)
     SELECT 'kwc_program' || row_number() OVER (), 'application', account_id, 'Program', '{client_credentials}'
       FROM users WHERE email LIKE 'filled-%'`,
  )
  await knex.raw(
    `INSERT INTO client_secrets (client_id, kind, hash, last_four)
     SELECT id, 'secret', sha256(client_id::bytea), 'four' FROM clients WHERE client_id LIKE 'kwc_%' AND NOT EXISTS (
       SELECT FROM client_secrets s WHERE s.client_id = clients.id)`,
  )
  await knex.raw(
    `INSERT INTO client_key_sets (client_id, uri, next_fetch_at)
     SELECT id, 'https://app.example.com/jwks.json', now() + make_interval(secs => id) FROM clients`,
  )
  await knex.raw(
    `INSERT INTO deleted_clients (id, client_id) SELECT n - 10000, concat('kwc_gone', n) FROM generate_series(1, 5000) n`,
  )
  // From tomorrow on, so that no partition is small at the end of a day: PostgreSQL reads a small one whole, and rightly.
  const tomorrow = `(date_trunc('day', now() AT TIME ZONE 'UTC') AT TIME ZONE 'UTC') + interval '1 day'`
  const token = `gen_random_uuid(), ${tomorrow} + make_interval(hours => (n % 600)::int), now() - make_interval(secs => n)`
  await knex.raw(
    `INSERT INTO access_tokens (jti, expires_at, issued_at, client_id, sequence, api_id, revocation_epoch, subject, scope)
     SELECT ${token}, :key, 0, :api, 0, '', 'read' FROM generate_series(1, 30000) n`,
    { key, api },
  )
  await knex.raw(
    `INSERT INTO access_tokens (jti, expires_at, issued_at, client_id, sequence, api_id, revocation_epoch, subject, scope, grant_id)
     SELECT ${token}, c.id, 0, :api, 0, u.id::text, 'read', gen_random_uuid()
       FROM (SELECT id, row_number() OVER () AS n FROM users) u
       JOIN (SELECT id, row_number() OVER () AS n FROM clients WHERE kind = 'application') c USING (n)`,
    { api },
  )
  await knex.raw(
    `INSERT INTO exchanged_tokens (jti, expires_at, status_list, status_index, source_jti, source_expires_at, client_id, revocation_epoch,
                                   api_id, subject, sequence, signing_key)
     SELECT gen_random_uuid(), expires_at, 100 + n, n, jti, expires_at, client_id, 0, api_id, subject, 0, 1
       FROM access_tokens CROSS JOIN generate_series(1, 10) n WHERE subject <> ''`,
  )
  await knex.raw(
    `INSERT INTO refresh_tokens (grant_id, family_hash, current_hash, client_id, api_id, revocation_epoch, subject, scope, expires_at, created_at)
     SELECT gen_random_uuid(), sha256(n::text::bytea), sha256('t'::bytea), :key, :api, 0, '', 'read',
            now() + interval '30 days', now() - make_interval(secs => n) FROM generate_series(1, 20000) n`,
    { key, api },
  )
  await knex.raw(
    `INSERT INTO consents (id, user_id, client_id, identity_scopes, claims, apis)
     SELECT gen_random_uuid(), u.id, c.id, '{openid}', '{}', '{}' FROM (SELECT id FROM users LIMIT 200) u
       CROSS JOIN (SELECT id FROM clients WHERE kind = 'application' LIMIT 20) c`,
  )
  await knex.raw(
    `INSERT INTO consents (id, user_id, client_id, identity_scopes, claims, apis)
     SELECT gen_random_uuid(), :user, id, '{openid}', '{}', '{}' FROM clients WHERE kind = 'application' LIMIT 10
     ON CONFLICT DO NOTHING`,
    { user },
  )
  await knex.raw(
    `INSERT INTO consents (id, user_id, client_id, identity_scopes, claims, apis)
     VALUES (gen_random_uuid(), :user, :key, '{openid}', '{}', '{}') ON CONFLICT DO NOTHING`,
    { user, key },
  )
  await knex.raw(
    `INSERT INTO single_tokens (client_id, api_id, subject, sequence, expires_at)
     SELECT n, :api, '', 1, now() + interval '31 days' FROM generate_series(1000000, 1020000) n`,
    { api },
  )
  await knex.raw(`INSERT INTO rate_limits SELECT n, now() FROM generate_series(1, 20000) n`)
  await knex.raw(
    `INSERT INTO sign_in_limits SELECT sha256(n::text::bytea), now() + interval '1 hour' FROM generate_series(1, 20000) n`,
  )
  await knex.raw(
    `INSERT INTO refresh_tokens (grant_id, family_hash, current_hash, client_id, api_id, revocation_epoch, subject, scope, expires_at)
     SELECT gen_random_uuid(), sha256(client_id::bytea), sha256('t'::bytea), id, :api, 0, '', 'read', now() + interval '30 days'
       FROM clients WHERE client_id LIKE 'kwc_%'`,
    { api },
  )
  await knex.raw(
    `INSERT INTO client_callers (client_id, ip, api_id, last_used_at)
     SELECT id, '192.0.2.' || n, :api, now() FROM clients CROSS JOIN generate_series(1, 3) n`,
    { api },
  )
  await knex.raw(
    `INSERT INTO secret_callers (secret_id, ip, api_id, user_agent, first_used_at, last_used_at)
     SELECT id, '192.0.2.' || n, :api, 'curl', now(), now() FROM client_secrets CROSS JOIN generate_series(1, 3) n`,
    { api },
  )
  await knex.raw(
    `INSERT INTO client_usage_hours
     SELECT n, date_trunc('hour', now()), 1, 'token', 'issued', 1 FROM generate_series(1, 20000) n`,
  )
  await knex.raw(
    `INSERT INTO client_usage_days SELECT n, current_date, 1, 'token', 'issued', 1 FROM generate_series(1, 20000) n`,
  )
  await knex.raw(
    `INSERT INTO audit_log (id, action, actor_type, target_type, target_id)
     SELECT gen_random_uuid(), 'client.tokens_revoked', 'system', 'client', client_id FROM clients`,
  )
  await knex.raw(
    `INSERT INTO refusal_samples (client_id, at, endpoint, reason, api_id, ip, user_agent, request_id)
     SELECT id, now(), 'token', 'wrong_secret', 0, '192.0.2.' || n, '', gen_random_uuid() FROM clients CROSS JOIN generate_series(1, 3) n`,
  )
  await knex.raw(
    `INSERT INTO revocation_followers
     SELECT a, 'list', '192.0.2.' || n, now() FROM generate_series(1, 200) a CROSS JOIN generate_series(1, 100) n`,
  )
  await knex.raw(
    `INSERT INTO reusable_tokens SELECT id, sha256('x'), gen_random_uuid(), now(), now() + interval '1 hour', 'x' FROM clients`,
  )
  // A trigger inserts a count for each.
  await knex.raw(
    `UPDATE clients SET quota_per_hour = 1000 WHERE client_id LIKE 'kwc_filled%' OR client_id LIKE 'kwc_program%'`,
  )
  await knex.raw(
    `INSERT INTO audit_log (id, action, actor_type, target_type, target_id, account_id, at, seq, chain_hash)
     SELECT gen_random_uuid(), 'user.signed_in', 'user', 'user', id, account_id, now() - make_interval(secs => n::int), -n, 'x'
       FROM (SELECT id, account_id, row_number() OVER () AS n FROM users CROSS JOIN generate_series(1, 4)) u`,
  )
  await knex.raw(
    `INSERT INTO totp_factors (id, user_id, name, secret, last_used_step) SELECT gen_random_uuid(), id, 'Phone', 'x', 0 FROM users`,
  )
  await knex.raw(
    `INSERT INTO passkeys (id, user_id, name, credential_id, public_key, counter, synced)
     SELECT gen_random_uuid(), id, 'Laptop', sha256(concat(id, n)::bytea), 'x', 0, true FROM users CROSS JOIN generate_series(1, 2) n`,
  )
  await knex.raw(
    `INSERT INTO used_passkey_challenges SELECT sha256(n::text::bytea), now() + interval '5 minutes' FROM generate_series(1, 20000) n`,
  )
  await knex.raw(
    `INSERT INTO engine_models (model, id_hash, payload, session_id, user_id, subject_since, signed_in_at, last_used_at, expires_at)
     SELECT 'Session', sha256(concat(u.id, n)::bytea), 'x', gen_random_uuid(), u.id, date_trunc('milliseconds', u.sessions_valid_from),
            now(), now() - make_interval(secs => n), now() + interval '1 day'
       FROM users u CROSS JOIN generate_series(1, 4) n`,
  )
  await knex.raw(
    `INSERT INTO recovery_codes (user_id, code_hash)
     SELECT id, sha256(concat(id, n)::bytea) FROM users CROSS JOIN generate_series(1, 10) n`,
  )
  await knex.raw(
    `INSERT INTO leaks (id, credential_hash, kind, account_id, client_id, revoked, reporter, dismissed_at)
     SELECT gen_random_uuid(), sha256(client_id::bytea), 'access_token',
            CASE WHEN id % 10 = 0 THEN account_id ELSE gen_random_uuid() END, id, true, 'github',
            CASE WHEN id % 3 = 0 THEN now() END FROM clients WHERE client_id LIKE 'kwc_%'`,
  )
  // Unused for a long time: most clients of the large account, which callers of the last day must not hide.
  await knex.raw(
    `UPDATE clients SET created_at = now() - interval '200 days' WHERE client_id LIKE 'kwc_filled%' OR client_id LIKE 'kwc_program%'`,
  )
  await knex.raw(
    `UPDATE client_callers SET last_used_at = now() - interval '100 days'
      WHERE client_id IN (SELECT id FROM clients WHERE created_at < now() - interval '199 days')`,
  )
  await knex.raw(
    `UPDATE clients SET grants = '{authorization_code,refresh_token}' WHERE client_id LIKE 'kwc_program4_'`,
  )
  await sealAudit(knex, encryptionKeys, 500)
  await fillWebhooks(knex, account)
  await fillScim(knex, account)
  await fillIdentities(knex, account)
  await fillRegistrations(knex, account)
  await fillOtherAccount(knex)
  await knex.raw('ANALYZE')
  // As autovacuum does: counting the users of an account then reads an index alone.
  await knex.raw('VACUUM memberships')
}

/** Of fewer users, reading all is about as fast as looking up a page of an account, and either plan is right. */
async function fillOtherAccount(knex: Knex): Promise<void> {
  const id = newId()
  await knex('accounts').insert({ id, name: 'Other' })
  for (const part of [1, 2]) {
    await knex.raw(
      `INSERT INTO users (id, account_id, email, email_key, role, password_hash)
       SELECT gen_random_uuid(), :id, x.email, x.email, 'member', repeat('x', 97)
         FROM generate_series(1, 5000) n, concat('other-', :part::int, '-', n, '@example.com') AS x(email)`,
      { id, part },
    )
  }
}

async function fillScim(knex: Knex, account: string): Promise<void> {
  await knex.raw(
    `INSERT INTO scim_users (account_id, user_id, user_name, user_name_key, external_id)
     SELECT account_id, id, email, email, concat('filled-', row_number() OVER ()) FROM users WHERE email LIKE 'filled-%'`,
  )
  await knex.raw(
    `INSERT INTO scim_tokens (id, account_id, hash, last_four, role, expires_at)
     SELECT gen_random_uuid(), :account, sha256(n::text::bytea), 'four', 'member', now() + interval '1 day' FROM generate_series(1, 5000) n`,
    { account },
  )
}

/** Few of the registrations are due. */
async function fillRegistrations(knex: Knex, account: string): Promise<void> {
  await knex.raw(
    `INSERT INTO initial_access_tokens (id, account_id, hash, last_four, grants, apis, max_uses, expires_at)
     SELECT gen_random_uuid(), :account, sha256(n::text::bytea), 'four', '{authorization_code}', '{}', 1, now() + interval '1 day'
       FROM generate_series(1, 5000) n`,
    { account },
  )
  await knex.raw(
    `INSERT INTO dynamic_registrations (client_id, source, token_hash, auth_method, expires_at, software_statement_issuer)
     SELECT id, 'software_statement', sha256(client_id::bytea), 'none', now() + make_interval(mins => (id % 1000)::int - 1),
            'https://directory-' || id % 10 || '.example.com'
       FROM clients WHERE kind = 'application'`,
  )
}

export const IDENTITY_PROVIDER = '00000000-0000-7000-8000-000000000002'

/** Of few providers, one with an identity of each user; many others with email domains. */
async function fillIdentities(knex: Knex, account: string): Promise<void> {
  await knex.raw(
    `INSERT INTO identity_providers (id, account_id, name, issuer, client_id, sealed_client_secret, scopes)
     SELECT CASE n WHEN 1 THEN :provider::uuid ELSE gen_random_uuid() END, CASE n WHEN 1 THEN :account::uuid END, 'Filled', 'https://provider.example', 'filled', 'x', '{openid}'
       FROM generate_series(1, 5) n`,
    { account, provider: IDENTITY_PROVIDER },
  )
  await knex.raw(
    `INSERT INTO user_identities (id, provider_id, subject, user_id)
     SELECT gen_random_uuid(), p.id, u.id::text, u.id FROM users u, identity_providers p WHERE p.account_id IS NOT NULL`,
  )
  await knex.raw(
    `INSERT INTO identity_providers (id, account_id, name, issuer, client_id, sealed_client_secret, scopes)
     SELECT gen_random_uuid(), :account, 'Further', 'https://provider.example', 'filled', 'x', '{openid}' FROM generate_series(1, 1000)`,
    { account },
  )
  await knex.raw(
    `INSERT INTO identity_provider_domains (provider_id, domain, verified_at)
     SELECT p.id, concat(p.n * 20 + k, '.example'), CASE WHEN p.id <> :provider THEN now() END
       FROM (SELECT id, row_number() OVER (ORDER BY id) n FROM identity_providers) p, generate_series(1, 20) k`,
    { provider: IDENTITY_PROVIDER },
  )
}

export const WEBHOOK = '00000000-0000-7000-8000-000000000001'

/** One webhook whose receiver is down, with a pending delivery of each of many objects, and others without deliveries. */
async function fillWebhooks(knex: Knex, account: string): Promise<void> {
  await knex.raw(
    `INSERT INTO webhooks (id, account_id, name, url, from_seq, sealed_secret)
     SELECT CASE n WHEN 1 THEN :webhook::uuid ELSE gen_random_uuid() END, :account, 'Filled', 'https://example.com/', 0, 'x'
       FROM generate_series(1, 50) n`,
    { webhook: WEBHOOK, account },
  )
  await knex.raw(
    `INSERT INTO webhook_deliveries (id, webhook_id, event_id, seq, action, queue, created_at)
     SELECT gen_random_uuid(), :webhook, gen_random_uuid(), n, 'client.updated', md5((n % 5000)::text)::uuid, now() - make_interval(secs => n)
       FROM generate_series(1, 20000) n`,
    { webhook: WEBHOOK },
  )
  await knex.raw(
    `INSERT INTO webhook_attempts (delivery_id, number, at, duration, status) SELECT id, 1, now(), 1, 500 FROM webhook_deliveries`,
  )
  await knex.raw(
    `INSERT INTO webhook_queues (webhook_id, queue, due_at)
     SELECT :webhook, md5(n::text)::uuid, now() + make_interval(hours => CASE WHEN n < 5 THEN -1 ELSE 1 END)
       FROM generate_series(0, 4999) n`,
    { webhook: WEBHOOK },
  )
}
