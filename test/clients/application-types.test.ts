import { describe, expect, it } from 'vitest'
import { APPLICATION_TYPES } from '../../src/clients/application-types.ts'
import { checkClientSettings } from '../../src/clients/client-rules.ts'
import { type ClientSettings, DEFAULT_SETTINGS } from '../../src/clients/client-settings.ts'
import { actsFor, grantTypesOf } from '../../src/clients/grant-types.ts'

describe.each(APPLICATION_TYPES)('the type $value', ({ hint, settings, redirectUris }) => {
  it('has settings that a new client may have', () => {
    const uris = redirectUris ? [redirectUris.placeholder] : []
    const all = { ...DEFAULT_SETTINGS, name: 'New', ...settings, redirectUris: uris }
    expect(() => checkClientSettings(all as ClientSettings)).not.toThrow()
    expect(all).toMatchObject({ pkceRequired: true, refreshTokenRotation: true })
  })

  it('asks for redirect URIs exactly when one of its grant types requires them', () => {
    const isRequired = grantTypesOf(settings.grants).some(({ requiresRedirectUri }) => requiresRedirectUri)
    expect(redirectUris !== null).toBe(isRequired)
  })

  it('is described in one line', () => {
    expect(hint).toMatch(/^[A-Z].{20,120}\.$/)
  })
})

it('has one type without users, which alone acts for itself', () => {
  const forItself = APPLICATION_TYPES.filter(({ settings }) => actsFor('client', settings.grants))
  expect(forItself.map(({ value }) => value)).toEqual(['service'])
})
