/** What users read of the scopes of the management API. */
import { expect, test } from 'vitest'
import { LANGUAGES } from '../../src/languages/languages.ts'
import { toEnglish, translateTo } from '../../src/languages/translator.ts'
import { MANAGEMENT_API, MANAGEMENT_SCOPES, type ManagementScope } from '../../src/management/management-scopes.ts'
import { MANAGEMENT_PERMISSIONS } from '../../src/web/management-permissions.ts'
import { permissionGroups } from '../../src/web/permission-groups.ts'

const NOBODY = { identityScopes: [], claims: [] }

const textOf = (scope: string, api = MANAGEMENT_API) => ({
  api,
  scope,
  title: `stored ${scope}`,
  description: '',
  language: null,
})

test('the English texts are those that operators read', () => {
  const t = toEnglish()
  const texts = Object.entries(MANAGEMENT_PERMISSIONS).map(([scope, key]) => [scope, t(key)])
  expect(Object.fromEntries(texts)).toEqual(MANAGEMENT_SCOPES)
})

test.each(LANGUAGES.map((language) => [language.code, language] as const))(
  'each scope has a text of its own in the language of the page: %s',
  (_, language) => {
    const t = translateTo(language)
    const scopes = Object.keys(MANAGEMENT_SCOPES) as ManagementScope[]
    const [group] = permissionGroups(
      t,
      NOBODY,
      scopes.map((scope) => textOf(scope)),
    )
    const titles = group!.permissions.map(({ title }) => title)
    expect(titles).toEqual(scopes.map((scope) => t(MANAGEMENT_PERMISSIONS[scope])))
    expect(new Set(titles).size).toBe(scopes.length)
    expect(group!.permissions.every(({ lang }) => lang === undefined)).toBe(true)
  },
)

test('a scope of another API with the same name keeps its text, and one of a newer version is called by its name', () => {
  const t = translateTo(LANGUAGES[1]!)
  const other = 'https://api.example.com'
  const groups = permissionGroups(t, NOBODY, [textOf('users:read', other), textOf('planets:read')])
  expect(groups).toEqual([
    { heading: 'api.example.com', permissions: [{ title: 'stored users:read', description: undefined, lang: '' }] },
    { heading: 'Management-API', permissions: [{ title: 'planets:read' }] },
  ])
})
