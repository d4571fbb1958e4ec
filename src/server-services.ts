import { deleteExpiredIdempotencyKeys } from './api/idempotency.ts'
import { type AssertionAuthenticator, createAssertionAuthenticator } from './clients/assertion-authentication.ts'
import { createAssertionUses } from './clients/assertion-uses.ts'
import { type CertificateAuthenticator, createCertificateAuthenticator } from './clients/certificate-authentication.ts'
import { type Authenticator, createAuthenticator } from './clients/client-authentication.ts'
import { createClientDocuments } from './clients/client-document-fetches.ts'
import { type ClientUsage, createClientUsage } from './clients/client-usage.ts'
import { createDescribedClients, type DescribedClients, limitDocumentFetches } from './clients/described-clients.ts'
import { allowedSchemes } from './clients/instance-settings.ts'
import { createIssuerKeys, type IssuerKeys } from './clients/issuer-keys.ts'
import { createKeyFetches, KEY_FETCH_LIMITS, type KeyFetches } from './clients/key-fetches.ts'
import { createLegacyOptionUses, type LegacyOptionUses } from './clients/legacy-option-uses.ts'
import { createRefusals, type Refusals } from './clients/refusals.ts'
import { createRegistrations, type Registrations } from './clients/registrations.ts'
import { createSecretUses, type SecretUses } from './clients/secret-uses.ts'
import { createWorkloadAuthenticator, type WorkloadAuthenticator } from './clients/workload-authentication.ts'
import type { Config } from './config/load-config.ts'
import { checkClock } from './database/clock-check.ts'
import type { Database } from './database/open-database.ts'
import { createRecordingCheck } from './database/recording-check.ts'
import { announceNode, type NodeAnnouncement } from './database/server-nodes.ts'
import { createServerWatch, type ServerWatch } from './database/server-watch.ts'
import { createReadiness, type Readiness } from './http/readiness.ts'
import { createSsrfSafeFetch, type SsrfSafeFetch } from './http/ssrf-safe-fetch.ts'
import type { Instance } from './instance.ts'
import { createJobs, type Jobs } from './jobs/jobs.ts'
import { scheduleOf } from './jobs/schedule.ts'
import { type KeyRings, openKeyRings } from './keys/key-ring.ts'
import type { MailDelivery } from './mail/mail-delivery.ts'
import { createMetrics, type Metrics } from './metrics/metrics.ts'
import type { Telemetry } from './metrics/telemetry.ts'
import { createUsage } from './metrics/usage.ts'
import { deleteExpiredEngineModels } from './oidc/adapter.ts'
import type { EncryptionKeys } from './shared/encryption-keys.ts'
import type { Log } from './shared/log.ts'
import { RevocationFollowers } from './status/revocation-followers.ts'
import { StatusFollower } from './status/status-follower.ts'
import { StatusIndexes } from './status/status-indexes.ts'
import { type AccessTokenStore, createAccessTokenStore } from './tokens/access-token-store.ts'
import { checkPartitions } from './tokens/partitions.ts'
import { WEBHOOK_LIMITS, WebhookSender } from './webhooks/webhook-sender.ts'

/** What a server process needs before it has an address: what the interfaces and the jobs share. */
export interface ServerServices {
  readonly config: Config
  readonly log: Log
  readonly database: Database
  readonly encryptionKeys: EncryptionKeys
  readonly metrics: Metrics
  readonly announcement: NodeAnnouncement
  readonly keyRings: KeyRings
  readonly serverWatch: ServerWatch
  readonly registrations: Registrations
  readonly describedClients: DescribedClients
  readonly authenticator: Authenticator
  readonly assertionAuthenticator: AssertionAuthenticator
  readonly keyFetches: KeyFetches
  readonly issuerKeys: IssuerKeys
  readonly workloadAuthenticator: WorkloadAuthenticator
  readonly certificateAuthenticator: CertificateAuthenticator
  readonly accessTokenStore: AccessTokenStore
  readonly statusIndexes: StatusIndexes
  readonly statusFollower: StatusFollower
  readonly legacyOptionUses: LegacyOptionUses
  readonly secretUses: SecretUses
  readonly clientUsage: ClientUsage
  readonly refusals: Refusals
  readonly revocationFollowers: RevocationFollowers
  readonly outgoing: SsrfSafeFetch
  /** Undefined: Keywright sends no e-mail. */
  readonly mailDelivery: MailDelivery | undefined
  readonly webhookSender: WebhookSender
  /** Undefined: nothing is exported, and nothing of the SDK of OpenTelemetry is loaded. */
  readonly telemetry: Telemetry | undefined
  readonly readiness: Readiness
  readonly jobs: Jobs
}

type JobDependencies = Omit<ServerServices, 'jobs' | 'readiness'>

function watchState({ metrics, database, keyRings }: Pick<ServerServices, 'metrics' | 'database' | 'keyRings'>): void {
  metrics.watchClock(() => database.clock.skew())
  metrics.watchPool(() => database.poolState())
  metrics.watchSigningKeys(() =>
    keyRings.ring.keys.map(({ alg, state, createdAt }) => ({
      alg,
      state,
      age: (database.clock.now() - createdAt.getTime()) / 1000,
    })),
  )
}

/** The caches do not survive a failover: the new primary may lack commits that they hold. */
function createCaches(
  database: Database,
  keyRings: KeyRings,
  keyFetches: KeyFetches,
  outgoing: SsrfSafeFetch,
  { clientCacheSize, clientCertificates, outgoingAllow }: Config,
) {
  const serverWatch = createServerWatch()
  const registrations = createRegistrations(database, clientCacheSize)
  serverWatch.onChange(() => registrations.clear())
  serverWatch.onChange(() => keyRings.forget())
  const { clock } = database
  const authenticator = createAuthenticator(registrations, clock)
  const isFirstUse = createAssertionUses(database)
  const assertionAuthenticator = createAssertionAuthenticator(registrations, isFirstUse, clock, keyFetches)
  const issuerKeys = createIssuerKeys(database, outgoing.fetch, { hidesResponses: outgoingAllow.length > 0 })
  const workloadAuthenticator = createWorkloadAuthenticator(registrations, issuerKeys, isFirstUse, clock)
  const authorities = clientCertificates?.authorities ?? []
  const certificateAuthenticator = createCertificateAuthenticator(registrations, authorities, clock)
  return {
    serverWatch,
    registrations,
    authenticator,
    assertionAuthenticator,
    issuerKeys,
    workloadAuthenticator,
    certificateAuthenticator,
  }
}

function createDescribed(
  { database, log, config }: Pick<ServerServices, 'database' | 'log' | 'config'>,
  outgoing: SsrfSafeFetch,
  registrations: Registrations,
): DescribedClients {
  const { knex } = database
  const documents = createClientDocuments({
    database,
    fetch: outgoing.fetch,
    log,
    hidesResponses: config.outgoingAllow.length > 0,
    limit: (host, ip) => limitDocumentFetches(knex, host, ip),
    schemes: () => allowedSchemes(knex),
  })
  return createDescribedClients({
    knex,
    registrations,
    documents,
    storeClient: async (...described) =>
      (await import('./management/document-clients.ts')).storeDocumentClient(knex, ...described),
  })
}

function createServerReadiness(database: Database, keyRings: KeyRings, log: Log): Readiness {
  const checks = {
    database: createRecordingCheck(database),
    partitions: () => checkPartitions(database.reader),
    clock: () => checkClock(database),
    keys: () => keyRings.check(),
  }
  const readiness = createReadiness(checks, log)
  // Logs a problem with the keys at once, also where nobody requests /readyz.
  keyRings.onChange(() => void readiness.failing())
  return readiness
}

function createServerJobs(services: JobDependencies): Jobs {
  const { database, metrics, log } = services
  const deletions = [deleteExpiredEngineModels, deleteExpiredIdempotencyKeys].map(
    (deleteExpired) => (limit: number) => deleteExpired(database.knex, limit),
  )
  const outcome = {
    succeeded: (job: string) => metrics.jobSuccesses.set({ job }, database.clock.now() / 1000),
    failed: (job: string) => metrics.jobFailures.inc({ job }),
  }
  const usage = createUsage(metrics, database.clock)
  const loadDeletions = () => import('./management/deletion-progress.ts')
  return createJobs(database.reader, log, outcome, scheduleOf({ ...services, usage, deletions, loadDeletions }))
}

/** The origin of links in messages is known when the server listens. */
async function createDelivery(
  { mail }: Config,
  { database: { knex }, encryptionKeys }: Instance,
  metrics: Metrics,
  log: Log,
): Promise<MailDelivery | undefined> {
  if (!mail) return undefined
  const { createMailDelivery } = await import('./mail/mail-delivery.ts')
  return createMailDelivery({
    knex,
    encryptionKeys,
    config: mail,
    log,
    count: (outcome) => metrics.mails.inc({ outcome }),
  })
}

type SenderDependencies = Pick<ServerServices, 'config' | 'database' | 'encryptionKeys' | 'outgoing' | 'log'>

const createWebhookSender = ({ config, database, encryptionKeys, outgoing, log }: SenderDependencies): WebhookSender =>
  new WebhookSender({
    knex: database.knex,
    encryptionKeys,
    fetch: (url, init) => outgoing.fetch(url, init, WEBHOOK_LIMITS),
    loadReadMessage: async () => (await import('./management/webhook-messages.ts')).readMessage,
    hidesResponses: config.outgoingAllow.length > 0,
    log,
    now: () => database.clock.now(),
  })

/** Creates the services of a server process. No timer runs and no port is taken until the server starts. */
export async function createServerServices(config: Config, instance: Instance, log: Log): Promise<ServerServices> {
  const { database, encryptionKeys } = instance
  const metrics = createMetrics()
  const announcement = await announceNode(database.knex, encryptionKeys)
  const keyRings = await openKeyRings(database, encryptionKeys)
  watchState({ metrics, database, keyRings })
  // `keywright signing-key revoke` waits for this.
  keyRings.onChange(() => void announcement.announce(keyRings.version).catch(() => undefined))
  const outgoing = createSsrfSafeFetch({ allow: config.outgoingAllow })
  const keyFetches = createKeyFetches({
    knex: database.knex,
    fetch: (url, init) => outgoing.fetch(url, init, KEY_FETCH_LIMITS),
    hidesResponses: config.outgoingAllow.length > 0,
    log,
  })
  const caches = createCaches(database, keyRings, keyFetches, outgoing, config)
  const services = {
    config,
    log,
    database,
    encryptionKeys,
    metrics,
    announcement,
    keyRings,
    keyFetches,
    ...caches,
    describedClients: createDescribed({ database, log, config }, outgoing, caches.registrations),
    accessTokenStore: createAccessTokenStore(database, caches.serverWatch),
    statusIndexes: new StatusIndexes(database, caches.serverWatch),
    statusFollower: new StatusFollower(database),
    legacyOptionUses: createLegacyOptionUses(),
    secretUses: createSecretUses(database.clock),
    clientUsage: createClientUsage(database.clock),
    refusals: createRefusals(database.clock),
    revocationFollowers: new RevocationFollowers(),
    mailDelivery: await createDelivery(config, instance, metrics, log),
    outgoing,
    webhookSender: createWebhookSender({ config, database, encryptionKeys, outgoing, log }),
    telemetry:
      config.telemetry &&
      (await import('./metrics/telemetry.ts')).startTelemetry(config.telemetry, metrics.registry, log),
  }
  const readiness = createServerReadiness(database, keyRings, log)
  return { ...services, readiness, jobs: createServerJobs(services) }
}
