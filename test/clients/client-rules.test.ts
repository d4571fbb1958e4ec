import { describe, expect, test } from 'vitest'
import {
  checkClientSettings,
  checkedSettings,
  checkMaySet,
  checkSettingsChange,
  OPERATOR_SETTINGS,
} from '../../src/clients/client-rules.ts'
import { type ClientSettings, DEFAULT_SETTINGS } from '../../src/clients/client-settings.ts'

const CONFIDENTIAL: ClientSettings = {
  ...DEFAULT_SETTINGS,
  name: 'Our app',
  grants: ['authorization_code', 'refresh_token'],
  redirectUris: ['https://app.example.com/callback'],
}
const PUBLIC: ClientSettings = { ...CONFIDENTIAL, isPublic: true }

const check = (settings: Partial<ClientSettings>, base = CONFIDENTIAL) => checkClientSettings({ ...base, ...settings })
const refused = (message: RegExp) =>
  expect.objectContaining({ code: 'invalid_input', message: expect.stringMatching(message) })

describe('a public client', () => {
  test('must use PKCE, which is optional for a confidential client', () => {
    expect(() => check({ pkceRequired: false })).not.toThrow()
    expect(() => check({}, PUBLIC)).not.toThrow()
    expect(() => check({ pkceRequired: false }, PUBLIC)).toThrow(refused(/public client.*PKCE/))
  })

  test('must rotate refresh tokens, which is optional for a confidential client', () => {
    expect(() => check({ refreshTokenRotation: false })).not.toThrow()
    expect(() => check({ refreshTokenRotation: false }, PUBLIC)).toThrow(refused(/public client must rotate/))
  })

  test('cannot use client_credentials or an API key', () => {
    expect(() => check({ grants: ['client_credentials'] }, PUBLIC)).toThrow(refused(/no client secret/))
    expect(() => check({ apiKeyRequired: true }, PUBLIC)).toThrow(refused(/API key/))
  })
})

describe('grant types', () => {
  test('the device grant is allowed by its full name without a redirect URI', () => {
    const device = { grants: ['urn:ietf:params:oauth:grant-type:device_code', 'refresh_token'], redirectUris: [] }
    expect(() => check(device)).not.toThrow()
    expect(() => check(device, PUBLIC)).not.toThrow()
    expect(() => check({ ...device, grants: ['device_code'] })).toThrow(refused(/unknown grant type device_code/))
  })

  test.each([['password'], ['implicit'], ['urn:ietf:params:oauth:grant-type:saml2-bearer']])(
    '%s is not allowed',
    (grant) => {
      expect(() => check({ grants: [grant] })).toThrow(refused(/unknown grant type/))
    },
  )

  test('refresh_token is allowed without a grant that issues refresh tokens', () => {
    expect(() => check({ grants: ['refresh_token'] })).not.toThrow()
  })
})

const WEB = [
  ...['https://app.example.com/callback', 'https://app.example.com:8443/a?b=c', 'https://app.example.com/@me'],
  ...['http://127.0.0.1/callback', 'http://127.0.0.1:8080/callback', 'http://[::1]/', 'http://[::1]:1234/'],
  ...['http://localhost/callback', 'http://localhost:3000/callback'],
]
const PRIVATE_USE = ['com.example.app:/callback', 'com.example.app://callback']
const INVALID_URIS = [
  ...[
    '',
    'callback',
    '/callback',
    '//app.example.com/',
    'https://',
    'https:app.example.com/',
    'https:///app.example.com/',
  ],
  ...['http://app.example.com/', 'http://127.0.0.1.example.com/', 'http://localhost.example.com/', 'ftp://127.0.0.1/'],
  ...['javascript:alert(1)', 'javascript://example.com/%0aalert(1)', 'data:text/html,hello', 'file:///etc/passwd'],
  ...['vbscript:x', 'blob:https://app.example.com/1', 'myapp:/callback', 'myapp://callback', 'about:blank'],
  ...[
    'https://app.example.com/#',
    'https://app.example.com/#part',
    'https://*.example.com/',
    'https://a.example.com/ b',
  ],
  ...[
    'https://a.example.com/\0',
    'https://evil.example\\@app.example.com/',
    `https://a.example.com/${'a'.repeat(2000)}`,
  ],
]
const WITH_USERINFO = [
  ...['https://me@app.example.com/', 'https://me:pass@app.example.com/', 'https://:pass@app.example.com/'],
  ...['https://@app.example.com/', 'http://me@127.0.0.1/', 'com.example.app://me@callback'],
]

describe.each(['redirectUris', 'postLogoutRedirectUris'] as const)('a URI in %s', (name) => {
  test.each([...WEB, ...PRIVATE_USE])('%s is allowed', (uri) => {
    expect(() => check({ [name]: [uri] })).not.toThrow()
  })

  test.each(INVALID_URIS)('%j is rejected', (uri) => {
    expect(() => check({ [name]: [WEB[0]!, uri] })).toThrow(refused(/redirect URI must (be|use)/))
  })

  test.each(WITH_USERINFO)('%s is rejected because it contains a user name', (uri) => {
    expect(() => check({ [name]: [uri] })).toThrow(refused(/must not contain a user name/))
  })

  test.each(['?code=1', '?a=1&state', '?iss=', '?%73tate=x', '?error=none'])(
    'a query of %s is rejected, because the response adds the same parameter',
    (query) => {
      expect(() => check({ [name]: [`https://app.example.com/${query}`] })).toThrow(refused(/which the response adds/))
      expect(() => check({ [name]: [`com.example.app:/callback${query}`] })).toThrow(refused(/which the response adds/))
    },
  )

  test.each(['?codes=1', '?a=state', '?states[]=1', '?/auth/code'])('a query of %s is allowed', (query) => {
    expect(() => check({ [name]: [`https://app.example.com/${query}`] })).not.toThrow()
  })
})

test('authorization_code requires a redirect URI, but no post-logout redirect URI', () => {
  expect(() => check({ postLogoutRedirectUris: [] })).not.toThrow()
  expect(() => check({ redirectUris: [] })).toThrow(refused(/at least one redirect URI/))
})

describe('a back-channel logout URI', () => {
  test.each(WEB)('%s is allowed', (uri) => {
    expect(() => check({ backchannelLogoutUri: uri })).not.toThrow()
  })

  test.each([...INVALID_URIS, ...PRIVATE_USE])('%j is rejected', (uri) => {
    expect(() => check({ backchannelLogoutUri: uri })).toThrow(refused(/back-channel logout URI must (be|use)/))
  })

  test.each(WITH_USERINFO)('%s is rejected because it contains a user name', (uri) => {
    expect(() => check({ backchannelLogoutUri: uri })).toThrow(refused(/must not contain a user name/))
  })
})

test.each([
  ['accessTokenTtl', 2_592_000],
  ['refreshTokenTtl', 31_622_400],
  ['refreshTokenMaxAge', 315_360_000],
] as const)(
  '%s is a whole number of 60 to %i seconds, or nothing; what is beyond is refused, not clamped',
  (name, most) => {
    for (const value of [null, 60, most]) expect(() => check({ [name]: value })).not.toThrow()
    for (const value of [0, 59, 60.5, most + 1, -60, Number.NaN]) {
      expect(() => check({ [name]: value })).toThrow(refused(/60 to/))
    }
  },
)

test('default scopes must be valid, unique and at least one', () => {
  for (const scopes of [null, ['read'], ['read', 'openid', 'offline_access']]) {
    expect(() => check({ defaultScopes: scopes })).not.toThrow()
  }
  for (const scopes of [[], ['read', 'read'], ['two words'], ['a"b'], ['\0']]) {
    expect(() => check({ defaultScopes: scopes })).toThrow(refused(/scope/))
  }
})

describe('an access type excludes grants', () => {
  const DEVICE = 'urn:ietf:params:oauth:grant-type:device_code'
  test.each([
    ['user', 'client_credentials', ['authorization_code', DEVICE]],
    ['client', 'authorization_code', ['client_credentials']],
    ['client', DEVICE, ['client_credentials']],
  ] as const)('%s: no %s', (accessType, ruledOut, allowed) => {
    for (const grant of allowed) expect(() => check({ accessType, grants: [grant, 'refresh_token'] })).not.toThrow()
    const refusal = { fieldErrors: [{ field: 'grants', message: expect.stringContaining(ruledOut) }] }
    expect(() => check({ accessType, grants: [...allowed, ruledOut] })).toThrow(expect.objectContaining(refusal))
    expect(() => check({ accessType: 'both', grants: [...allowed, ruledOut] })).not.toThrow()
  })
})

test('the error lists every invalid field, and its message holds all of them', () => {
  const wrong: Partial<ClientSettings> = {
    name: ' ',
    grants: ['client_credentials', 'password'],
    isPublic: true,
    pkceRequired: false,
    redirectUris: ['http://app.example.com/', 'https://app.example.com/', '*'],
    accessTokenTtl: 59,
    refreshTokenTtl: 59,
    defaultScopes: [],
    rateLimit: { count: 0, period: 60 },
  }
  let rejection: { fieldErrors: { field: string; message: string }[]; message: string } | undefined
  try {
    check(wrong)
  } catch (error) {
    rejection = error as typeof rejection
  }
  const values = ['name', 'defaultScopes', 'accessTokenTtl', 'refreshTokenTtl', 'rateLimit']
  const rules = ['grants', 'grants', 'pkceRequired', 'redirectUris', 'redirectUris']
  expect(rejection!.fieldErrors.map(({ field }) => field)).toEqual([...values, ...rules])
  for (const { message } of rejection!.fieldErrors) expect(rejection!.message).toContain(message)
})

test.each(['', '   ', 'n'.repeat(201), 'n'.repeat(10_000), 'NUL\0', 'bell\u0007', 'half \ud800'])(
  'a client cannot be named %j',
  (name) => {
    const refusal = { fieldErrors: [{ field: 'name', message: expect.any(String) }] }
    expect(() => check({ name })).toThrow(expect.objectContaining(refusal))
    expect(() => check({ name: '𝄞'.repeat(200) })).not.toThrow()
  },
)

test.each([
  ['accessType', 'nobody'],
  ['consent', 'ask'],
  ['refreshTokens', 'never'],
  ['idTokenAlg', 'none'],
  ['policy', 'many'],
])('%s is none of its words when it is %s', (name, word) => {
  const refusal = { fieldErrors: [{ field: name, message: expect.stringMatching(/^must be one of/) }] }
  expect(() => check({ [name]: word })).toThrow(expect.objectContaining(refusal))
})

describe('an operator setting', () => {
  const limited = {
    ...CONFIDENTIAL,
    rateLimit: { count: 5, period: 60 },
    accessType: 'user',
    consent: 'skip',
  } as const
  const forbidden = expect.objectContaining({ code: 'forbidden' })

  test('can be set by an operator', () => {
    expect(OPERATOR_SETTINGS).toEqual([
      'rateLimit',
      'quotaPerHour',
      'quotaPerDay',
      'quotaMode',
      'accessType',
      'exchangeApis',
      'exchangeAccounts',
      'exchangeWithoutUser',
      'isVerified',
      'externalId',
      'metadata',
    ])
    const all = { rateLimit: null, accessType: 'both', consent: 'skip' } as const
    for (const before of [undefined, CONFIDENTIAL, limited]) {
      expect(() => checkMaySet('operator', before, all)).not.toThrow()
    }
  })

  test.each(['admin', 'member'] as const)('cannot be changed by %s users', (role) => {
    expect(() =>
      checkMaySet(role, limited, { ...limited, rateLimit: { period: 60, count: 5 }, name: 'x' }),
    ).not.toThrow()
    expect(() => checkMaySet(role, limited, { consent: 'show' })).not.toThrow()
    expect(() => checkMaySet(role, undefined, { name: 'x', consent: 'skip_own_account' })).not.toThrow()
    for (const change of [
      { rateLimit: null },
      { rateLimit: { count: 6, period: 60 } },
      { accessType: 'both' },
    ] as const) {
      expect(() => checkMaySet(role, limited, change)).toThrow(forbidden)
      expect(() => checkMaySet(role, undefined, change)).toThrow(forbidden)
    }
    expect(() => checkMaySet(role, CONFIDENTIAL, { consent: 'skip' })).toThrow(forbidden)
    expect(() => checkMaySet(role, undefined, { consent: 'skip' })).toThrow(forbidden)
  })
})

describe('a setting that is fixed at creation', () => {
  test('cannot be changed by anybody; the same value is no change', () => {
    const fixed = expect.objectContaining({
      code: 'invalid_input',
      fieldErrors: [expect.objectContaining({ field: 'isPublic' })],
    })
    for (const role of ['operator', 'admin'] as const) {
      expect(() => checkSettingsChange(role, CONFIDENTIAL, { isPublic: true })).toThrow(fixed)
      expect(() => checkSettingsChange(role, CONFIDENTIAL, { isPublic: false, name: 'x' })).not.toThrow()
    }
  })
})

test.each([
  ['name', 'n'.repeat(201)],
  ['description', 'n'.repeat(501)],
])('%s has a maximum length in characters', (name, text) => {
  expect(() => check({ [name]: text })).toThrow(
    expect.objectContaining({ fieldErrors: [expect.objectContaining({ field: name })] }),
  )
  expect(() => check({ [name]: '\u{1f600}'.repeat(200) })).not.toThrow()
})

test('a text is stored without the spaces around it', () => {
  const settings = { ...CONFIDENTIAL, name: ' Robot ', description: ' for invoices ' }
  expect(checkedSettings(settings, [])).toMatchObject({ name: 'Robot', description: 'for invoices' })
})

test('at most 100 redirect URIs are stored, as many as the management API reads', () => {
  const redirectUris = Array.from({ length: 101 }, (_, n) => `https://app.example.com/${n}`)
  const refusal = { fieldErrors: [{ field: 'redirectUris', message: 'must have at most 100 URIs' }] }
  expect(() => check({ redirectUris })).toThrow(expect.objectContaining(refusal))
  expect(() => check({ redirectUris: redirectUris.slice(1) })).not.toThrow()
})

test('at most 1,000 default scopes are stored, as many as the management API reads', () => {
  const defaultScopes = Array.from({ length: 1001 }, (_, n) => `scope-${n}`)
  const refusal = { fieldErrors: [{ field: 'defaultScopes', message: 'must have at most 1000 entries' }] }
  expect(() => check({ defaultScopes })).toThrow(expect.objectContaining(refusal))
  expect(() => check({ defaultScopes: defaultScopes.slice(1) })).not.toThrow()
})
