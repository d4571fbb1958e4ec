import { describe, expect, test, vi } from 'vitest'
import { acceptsAllOf } from '../../src/clients/trust-changes.ts'
import { conditionsIn } from '../../src/clients/trust-conditions.ts'
import { trustIn } from '../../src/clients/trust-presets.ts'
import { judgeIdentity } from '../../src/clients/workload-authentication.ts'
import { parseTrust } from '../../src/clients/workload-trusts.ts'
import { matchesPattern, patternError } from '../../src/shared/claim-patterns.ts'
import { newIssuerKey, signClaims } from '../support/mock-issuer.ts'

const GITHUB = 'https://token.actions.githubusercontent.com'

const trust = (issuer: string, ...claims: string[]) => parseTrust({ issuer, conditions: conditionsIn(claims) })

test.each([
  ['repo:octo/app', 'repo:octo/app', true],
  ['repo:octo/app', 'repo:octo/app2', false],
  ['repo:octo/*', 'repo:octo/', true],
  ['repo:octo/*', 'repo:octopus/app', false],
  ['*:ref:*', 'repo:octo/app:ref:refs/heads/main', true],
  ['a*a', 'a', false],
  ['a*b*c', 'a-b-c', true],
  ['a*b*c', 'a-c-b', false],
  ['*aab', 'aaab', true],
  ['a.c', 'abc', false],
])('the pattern %s and the value %s match: %s', (pattern, value, isMatch) => {
  expect(matchesPattern(pattern, value)).toBe(isMatch)
})

test('a pattern is bounded, and names something', () => {
  expect(['*', '**', '', 'x'.repeat(301), 'a*b*c*d*e*f*g', 'a\n'].map(patternError)).not.toContain(undefined)
  expect(['a*', 'x'.repeat(300)].map(patternError)).toEqual([undefined, undefined])
})

describe('an issuer that signs for everybody needs a condition that names the tenant', () => {
  test.each([
    [GITHUB, 'ref=refs/heads/main'],
    [GITHUB, 'sub=repo:*'],
    [GITHUB, 'sub=repo:octo*'],
    [GITHUB, 'repository=octo*/app'],
    [GITHUB, 'repository_owner=octo*'],
    [GITHUB, 'job_workflow_ref=octo/app/.github/workflows/x.yml@refs/heads/main'],
    ['https://TOKEN.actions.githubusercontent.com', 'ref=refs/heads/main'],
    [`${GITHUB}/enterprise`, 'ref=refs/heads/main'],
    ['https://gitlab.com', 'ref=main'],
    ['https://gitlab.com', 'sub=project_path:*:ref:main'],
    ['https://api.pulumi.com/oidc/v2', 'sub=pulumi:deploy:org:*:project:app:*'],
    ['https://oidc.codefresh.io', 'sub=account:*'],
    ['https://oidc.modal.com', 'environment_name=main'],
    ['https://accounts.google.com', 'email=*@project.iam.gserviceaccount.com'],
    ['https://vstoken.actions.githubusercontent.com', 'ref=refs/heads/main'],
    ['https://app.eu.terraform.io', 'sub=organization:*:project:app'],
    ['https://sts.windows.net/9188040d-6c67-4c5b-b112-36a304b66dad/', 'name=Ada'],
    ['https://oidc.circleci.com', 'sub=org/*/project/1/user/2'],
    ['https://identity.depot.dev', 'ref=refs/heads/main'],
    ['https://login.app.env0.com/', 'sub=auth0|*'],
    ['https://scalr.io', 'sub=account:*:environment:prod'],
    ['https://appleid.apple.com', 'email=ada@example.com'],
    ['https://proidc.upbound.io', 'sub=mcp:acme/*'],
  ])('%s with %s is refused', async (issuer, claim) => {
    await expect(trust(issuer, claim)).rejects.toThrow(/a condition must name whose it is/)
  })

  test('also where one of two patterns does not name it', async () => {
    await expect(trust(GITHUB, 'repository=octo/app', 'repository=*/app')).rejects.toThrow(/must name whose it is/)
  })

  test.each([
    [GITHUB, 'sub=repo:octo/app:*'],
    [GITHUB, 'repository=octo/*'],
    [GITHUB, 'repository_owner_id=65'],
    ['https://gitlab.com', 'project_path=group/*'],
    ['https://api.pulumi.com/oidc/v2', 'sub=pulumi:deploy:org:octo:project:app:*'],
    ['https://oidc.codefresh.io', 'sub=account:123:pipeline:*'],
    ['https://oidc.modal.com', 'workspace_id=ac-123'],
    ['https://accounts.google.com', 'sub=1234567890'],
    ['https://oidc.cluster.example.com', 'sub=system:serviceaccount:*'],
    [GITHUB, 'sub=repo:octo@65/app@74:*'],
    ['https://oidc.circleci.com', 'sub=org/1/project/*'],
    ['https://oidc.circleci.com/org/1', 'sub=*/project/2/user/*'],
    ['https://oidc.vercel.com/acme', 'environment=production'],
    ['https://identity.depot.dev', 'org_id=org_123'],
    ['https://scalr.io', 'sub=account:acme:environment:*'],
    ['https://appleid.apple.com', 'sub=001.abc'],
    ['https://api.bitbucket.org/2.0/workspaces/acme/pipelines-config/identity/oidc', 'sub={1}:*'],
    ['https://oidc.fly.io/acme', 'sub=acme:app:*'],
  ])('%s with %s is accepted', async (issuer, claim) => {
    expect((await trust(issuer, claim)).issuer).toBe(issuer)
  })
})

test.each([
  ['http://example.com', 'sub=x', /https/],
  ['https://example.com?x', 'sub=x', /query/],
  ['https://exämple.com', 'sub=x', /visible ASCII/],
  ['https://example.com', 'aud=x', /checked without a condition/],
  ['https://example.com', 'sub=*', /matches every value/],
  ['https://example.com', 'sub', /is not a claim and a pattern/],
])('a trust in %s with %s is refused', async (issuer, claim, message) => {
  await expect(async () => await trust(issuer, claim)).rejects.toThrow(message)
})

describe('of two trusts, one accepts all that the other accepts', () => {
  const says = (...claims: string[]) => trust('https://issuer.example', ...claims)
  test.each([
    [['sub=a'], ['sub=a'], true],
    [['sub=a'], ['sub=a', 'sub=b'], true],
    [['sub=a', 'env=prod'], ['sub=a'], true],
    [['sub=a', 'sub=b'], ['sub=b'], false],
    [['sub=a'], ['sub=a', 'env=prod'], false],
    [['sub=a'], ['sub=b'], false],
    [['sub=a'], ['env=a'], false],
  ])('%j before and %j after: %s', async (before, after, isWider) => {
    expect(acceptsAllOf(await says(...after), await says(...before))).toBe(isWider)
  })

  test('if their audience, keys and single use say so too', async () => {
    const base = await says('sub=a')
    const [first, second] = [(await newIssuerKey('first')).jwk, (await newIssuerKey('second')).jwk]
    const cases: [Partial<typeof base>, Partial<typeof base>, boolean][] = [
      [{ audience: 'x' }, {}, false],
      [{}, { audience: 'x' }, false],
      [{ singleUse: true }, {}, true],
      [{}, { singleUse: true }, false],
      [{ keys: [first] }, { keys: [second, first] }, true],
      [{ keys: [first, second] }, { keys: [first] }, false],
      [{ keys: [first] }, {}, false],
      [{}, { keys: [first] }, false],
    ]
    for (const [before, after, isWider] of cases)
      expect([before, after, acceptsAllOf({ ...base, ...after }, { ...base, ...before })]).toEqual([
        before,
        after,
        isWider,
      ])
  })
})

test('a trust without conditions, and with private keys only, is refused', async () => {
  const issuer = 'https://example.com'
  await expect(trust(issuer)).rejects.toThrow(/1 to 10 conditions/)
  const jwks = JSON.stringify({ keys: [{ kty: 'oct', k: 'AAAA' }] })
  await expect(parseTrust({ issuer, conditions: conditionsIn(['sub=x']), jwks })).rejects.toThrow(
    /no key that can verify/,
  )
})

describe('presets', () => {
  test.each([
    ['github', 'octo/app', undefined, GITHUB, [['repository', 'octo/app']]],
    ['gitlab', 'group/sub/project', undefined, 'https://gitlab.com', [['project_path', 'group/sub/project']]],
    [
      'gitlab',
      'group/project',
      'https://git.example.com',
      'https://git.example.com',
      [['project_path', 'group/project']],
    ],
    [
      'kubernetes',
      'billing/export',
      'https://cluster.example.com',
      'https://cluster.example.com',
      [['sub', 'system:serviceaccount:billing:export']],
    ],
    [
      'google',
      'job@project.iam.gserviceaccount.com',
      undefined,
      'https://accounts.google.com',
      [
        ['email', 'job@project.iam.gserviceaccount.com'],
        ['email_verified', 'true'],
      ],
    ],
  ])('%s with %s', async (preset, workload, issuer, expected, conditions) => {
    const input = trustIn({ preset, workload, issuer })!
    expect(input.issuer).toBe(expected)
    expect(input.conditions).toEqual(conditions.map(([claim, pattern]) => ({ claim, anyOf: [pattern] })))
    expect((await parseTrust(input)).issuer).toBe(expected)
  })

  test.each([
    [{ preset: 'github', workload: 'octo/*' }, /is named ORGANIZATION/],
    [{ preset: 'kubernetes', workload: 'a/b' }, /enter the issuer/],
    [{ preset: 'azure', workload: `${'0'.repeat(36)}/${'1'.repeat(36)}` }, /enter the audience/],
    [{ preset: 'other', workload: 'x' }, /unknown platform/],
    [{ workload: 'octo/app' }, /select the platform/],
  ])('%j is refused', (fields, message) => {
    expect(() => trustIn(fields)).toThrow(message)
  })
})

test('a token is verified once for all trusts whose keys are those of its issuer', async () => {
  const issuer = 'https://oidc.cluster.example.com'
  const key = await newIssuerKey('first')
  const claims = { iss: issuer, sub: 'other', aud: 'https://auth.example.com', exp: 1000 }
  const keysOf = vi.fn(async () => [key.jwk])
  const trusts = await Promise.all(
    ['a', 'b', 'c', 'other'].map(async (sub) => ({ trust: await trust(issuer, `sub=${sub}`) })),
  )
  const judge = async (token: string) => await judgeIdentity({ keysOf }, trusts, token, 'https://auth.example.com', 900)
  const verdicts = await judge(await signClaims(key, claims))
  expect(verdicts.map(({ checks }) => checks.every(({ isMet }) => isMet))).toEqual([false, false, false, true])
  await expect(judge(await signClaims(await newIssuerKey('first'), claims))).rejects.toMatchObject({
    reason: 'identity_key',
  })
  expect(keysOf).toHaveBeenCalledTimes(2)
})
