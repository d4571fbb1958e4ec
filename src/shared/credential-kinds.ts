/** What a client authenticates by, as a text names it. */
export type CredentialKind = 'secret' | 'api_key' | 'key' | 'certificate' | 'trust'

const KINDS: readonly CredentialKind[] = ['secret', 'api_key', 'key', 'certificate', 'trust']

const OF_METHODS: Readonly<Record<string, CredentialKind>> = {
  private_key_jwt: 'key',
  self_signed_tls_client_auth: 'certificate',
  tls_client_auth: 'certificate',
  workload_identity: 'trust',
}

/** The kind of credential of a client with this authentication method. */
export const credentialKindOf = (authMethod: string): CredentialKind => OF_METHODS[authMethod] ?? 'secret'

const kindIn = (value: unknown): CredentialKind | undefined => KINDS.find((kind) => kind === value)

/** Of several credentials, the kind of the first one. */
const kindOfFirst = (secrets: unknown): CredentialKind | undefined =>
  Array.isArray(secrets) ? kindIn((secrets[0] as { kind?: unknown } | undefined)?.kind) : undefined

/** The kind of credential that an event of the activity log is about. Rotations of earlier versions recorded a new method at most. */
export const credentialKindIn = (detail: Readonly<Record<string, unknown>>): CredentialKind =>
  kindIn(detail.kind) ??
  kindOfFirst(detail.secrets) ??
  (detail.jwks_uri === undefined ? credentialKindOf(String(detail.auth_method)) : 'key')
