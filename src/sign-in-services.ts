import { createEmailChangeLinks } from './accounts/email-changes.ts'
import { createPasswordLinks } from './accounts/password-links.ts'
import { createSignIn } from './accounts/sign-in.ts'
import { createSignInAtProduct } from './accounts/sign-in-at-product.ts'
import { createSignInProgress } from './accounts/sign-in-progress.ts'
import { createFactors } from './factors/factors.ts'
import type { UpstreamClient } from './identity-providers/upstream-client.ts'
import { createUpstreamSignIn } from './identity-providers/upstream-sign-in.ts'
import { endEarlierCredentials } from './management/earlier-credentials.ts'
import { createVerificationLinks } from './management/mailbox-proofs.ts'
import type { ServerServices } from './server-services.ts'

/** The steps of a sign-in, which count what came of each attempt, and the links in messages. */
export function createSignInServices(services: ServerServices, issuerUrl: string, client: UpstreamClient) {
  const { database, encryptionKeys, metrics, log } = services
  const { knex, clock } = database
  const progress = createSignInProgress(encryptionKeys, clock)
  const count = (outcome: string) => metrics.signIns.inc({ outcome })
  return {
    signIn: createSignIn(knex, progress, count),
    signInAtProduct: createSignInAtProduct(knex, encryptionKeys, clock, progress, count),
    joinTickets: progress.joinTickets,
    factors: createFactors({ knex, encryptionKeys, clock, progress, issuerUrl, log, count }),
    upstream: createUpstreamSignIn({ knex, encryptionKeys, clock, progress, client, issuerUrl, log }),
    passwordLinks: createPasswordLinks(knex, encryptionKeys, endEarlierCredentials),
    verificationLinks: createVerificationLinks(knex, encryptionKeys),
    emailChangeLinks: createEmailChangeLinks(knex, encryptionKeys),
  }
}
