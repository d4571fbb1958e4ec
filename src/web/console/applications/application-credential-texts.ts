import { hasClientSecret, usesCertificates, usesTrusts } from '../../../clients/authentication-attributes.ts'
import type { Client } from '../../../clients/clients.ts'
import type { ConsoleText } from '../../../languages/console/console-text.ts'

interface CredentialTexts {
  readonly all: ConsoleText
  readonly replace: ConsoleText
  /** Of the page with all credentials. */
  readonly lead: ConsoleText
  readonly emptyTitle: ConsoleText
  readonly emptyText: ConsoleText
}

const SECRET = {
  all: 'Rotate secret',
  replace: 'Generate key',
  lead: 'Generate a new client secret, deploy it to every caller below, then retire the previous one.',
  emptyTitle: 'No client secret',
  emptyText: 'The application has no valid client secret. Generate a key so that it can get tokens again.',
} as const satisfies CredentialTexts

const KEY = {
  all: 'Public keys',
  replace: 'Replace keys',
  lead: 'Add a new public key, deploy its private key to every caller below, then retire the previous one.',
  emptyTitle: 'No public key',
  emptyText: 'The application has no valid public key. Replace its keys so that it can get tokens again.',
} as const satisfies CredentialTexts

const PUBLISHED = {
  ...KEY,
  lead: 'Publish a new public key, use its private key at every caller below, then withdraw the previous one.',
  emptyText:
    'Keywright has no public key from the URL of the application yet. It fetches the keys regularly, and when one is used.',
} as const satisfies CredentialTexts

const CERTIFICATE = {
  all: 'Certificates',
  replace: 'Replace certificate',
  lead: 'Add a new certificate, deploy it to every caller below, then retire the previous one.',
  emptyTitle: 'No certificate',
  emptyText: 'The application has no valid certificate. Replace it so that the application can get tokens again.',
} as const satisfies CredentialTexts

const TRUST = {
  all: 'Trusts',
  replace: 'Replace trusts',
  lead: 'Add a new trust, change the workloads that need it, then retire the previous one.',
  emptyTitle: 'No trust',
  emptyText: 'The application has no valid trust in an issuer. Replace its trusts so that it can get tokens again.',
} as const satisfies CredentialTexts

/** What pages call the credentials of a client, by how it authenticates. */
export function credentialTexts(client: Client): CredentialTexts {
  if (hasClientSecret(client)) return SECRET
  if (usesTrusts(client)) return TRUST
  if (usesCertificates(client)) return CERTIFICATE
  return client.jwksUri === null ? KEY : PUBLISHED
}
