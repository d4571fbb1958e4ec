import type { TrustCondition } from './trust-conditions.ts'

/** An issuer whose tokens anybody can get. */
interface SharedIssuer {
  readonly name: string
  isIssuer(issuer: string): boolean
  /** Claims that name whose workload it is. Each pattern of one of them must have this form, so that it allows nobody else. */
  readonly tenant: Readonly<Record<string, RegExp>>
  /** What a condition must name, for errors. */
  readonly required: string
}

/** A value without wildcards. */
const EXACT = /^[^*]+$/

/** The first segment of a path, without wildcards. */
const FIRST_SEGMENT = /^[^*/]+\//

const below =
  (...bases: string[]) =>
  (issuer: string) =>
    bases.some((base) => issuer === base || issuer.startsWith(`${base}/`))

/** A service where anybody can sign up and be issued ID tokens. */
const forEverybody = (name: string, ...bases: string[]): SharedIssuer => ({
  name,
  isIssuer: below(...bases),
  tenant: { sub: EXACT },
  required: 'sub, without wildcards',
})

// Not here: issuers whose URL names the organization, as those of Bitbucket, CircleCI, Azure DevOps, Fly.io, Harness, Semaphore, Spacelift
// and most clusters do.
const SHARED_ISSUERS: readonly SharedIssuer[] = [
  {
    name: 'GitHub Actions',
    isIssuer: below('https://token.actions.githubusercontent.com', 'https://vstoken.actions.githubusercontent.com'),
    tenant: {
      sub: /^repo:[^*/:]+\//,
      repository: FIRST_SEGMENT,
      repository_id: EXACT,
      repository_owner: EXACT,
      repository_owner_id: EXACT,
    },
    required: 'repository, repository_owner or sub with the organization',
  },
  {
    name: 'GitLab.com',
    isIssuer: below('https://gitlab.com'),
    tenant: {
      sub: /^project_path:[^*/:]+\//,
      project_path: FIRST_SEGMENT,
      project_id: EXACT,
      namespace_path: /^[^*/]+(?:\/|$)/,
      namespace_id: EXACT,
    },
    required: 'project_path, namespace_path or sub with the group',
  },
  {
    name: 'Google',
    isIssuer: below('https://accounts.google.com'),
    tenant: { sub: EXACT, email: EXACT },
    required: 'sub or email of the service account, without wildcards',
  },
  {
    name: 'Microsoft personal accounts',
    isIssuer: below(
      'https://login.microsoftonline.com/9188040d-6c67-4c5b-b112-36a304b66dad',
      'https://sts.windows.net/9188040d-6c67-4c5b-b112-36a304b66dad',
    ),
    tenant: { sub: EXACT, oid: EXACT },
    required: 'sub or oid, without wildcards',
  },
  forEverybody('Amazon Cognito', 'https://cognito-identity.amazonaws.com'),
  {
    name: 'HCP Terraform',
    isIssuer: below('https://app.terraform.io', 'https://app.eu.terraform.io'),
    tenant: { sub: /^organization:[^*:]+:/, terraform_organization_name: EXACT, terraform_organization_id: EXACT },
    required: 'terraform_organization_name or sub with the organization',
  },
  {
    name: 'Buildkite',
    isIssuer: below('https://agent.buildkite.com'),
    tenant: { sub: /^organization:[^*:]+:/, organization_slug: EXACT, organization_id: EXACT },
    required: 'organization_slug or sub with the organization',
  },
  {
    name: 'Pulumi Cloud',
    isIssuer: below('https://api.pulumi.com/oidc'),
    tenant: {
      sub: /^pulumi:(?:deploy|environments):org:[^*:]+:/,
      'https://pulumi.com/org': EXACT,
      'https://pulumi.com/org_id': EXACT,
    },
    required: 'https://pulumi.com/org or sub with the organization',
  },
  {
    name: 'Codefresh',
    isIssuer: below('https://oidc.codefresh.io'),
    tenant: { sub: /^account:[^*:]+:/, account_id: EXACT },
    required: 'account_id or sub with the account',
  },
  {
    name: 'Modal',
    isIssuer: below('https://oidc.modal.com'),
    tenant: { sub: /^modal:workspace_id:[^*:]+:/, workspace_id: EXACT },
    required: 'workspace_id or sub with the workspace',
  },
  {
    name: 'Vercel',
    isIssuer: (issuer) => issuer === 'https://oidc.vercel.com',
    tenant: { sub: /^owner:[^*:]+:/, owner: EXACT, owner_id: EXACT },
    required: 'owner or sub with the team',
  },
  {
    name: 'CircleCI',
    // With the organization in the URL it is that of one organization.
    isIssuer: (issuer) => issuer === 'https://oidc.circleci.com',
    tenant: { sub: /^org\/[^*/]+\//, 'oidc.circleci.com/project-id': EXACT },
    required: 'sub with the organization, or oidc.circleci.com/project-id',
  },
  {
    name: 'Depot CI',
    isIssuer: below('https://identity.depot.dev'),
    tenant: {
      org_id: EXACT,
      repository: FIRST_SEGMENT,
      repository_id: EXACT,
      repository_owner: EXACT,
      repository_owner_id: EXACT,
    },
    required: 'org_id, repository or repository_owner',
  },
  {
    name: 'env zero',
    isIssuer: below('https://login.app.env0.com'),
    tenant: { sub: EXACT, 'https://env0.com/organization': EXACT },
    required: 'sub or https://env0.com/organization, without wildcards',
  },
  {
    name: 'Scalr',
    isIssuer: below('https://scalr.io'),
    tenant: { sub: /^account:[^*:]+:/ },
    required: 'sub with the account',
  },
  forEverybody('Amazon', 'https://www.amazon.com'),
  forEverybody('Apple', 'https://appleid.apple.com'),
  forEverybody('Chainguard', 'https://issuer.enforce.dev'),
  forEverybody('DataChain Studio', 'https://studio.datachain.ai/api'),
  forEverybody('Facebook', 'https://www.facebook.com', 'https://graph.facebook.com'),
  forEverybody('GitHub audit log streaming', 'https://oidc-configuration.audit-log.githubusercontent.com'),
  forEverybody('Hellō', 'https://issuer.hello.coop'),
  forEverybody('Hugging Face', 'https://huggingface.co'),
  forEverybody('LinkedIn', 'https://www.linkedin.com'),
  forEverybody('sandboxes.cloud', 'https://sandboxes.cloud'),
  forEverybody('Shisho Cloud', 'https://tokens.cloud.shisho.dev'),
  forEverybody('Sigstore', 'https://oauth2.sigstore.dev/auth'),
  forEverybody('Slack', 'https://slack.com'),
  forEverybody('Upbound', 'https://proidc.upbound.io'),
]

/** What is missing in the conditions of a trust whose issuer also signs for strangers; undefined: nothing. */
export function tenantError(issuer: string, conditions: readonly TrustCondition[]): string | undefined {
  const shared = SHARED_ISSUERS.find(({ isIssuer }) => isIssuer(issuer.toLowerCase()))
  if (!shared) return undefined
  const namesTenant = ({ claim, anyOf }: TrustCondition) => {
    const form = Object.hasOwn(shared.tenant, claim) ? shared.tenant[claim] : undefined
    return form !== undefined && anyOf.every((pattern) => form.test(pattern))
  }
  if (conditions.some(namesTenant)) return undefined
  return `anybody can get a token of ${shared.name}: a condition must name whose it is (${shared.required})`
}
