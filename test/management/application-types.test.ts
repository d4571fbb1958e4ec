/** An application of a type, created by the management API and on the command line. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { APPLICATION_TYPES } from '../../src/clients/application-types.ts'
import { keywright, runCli } from '../support/cli-in-process.ts'
import { type Keywright, startKeywright } from '../support/keywright.ts'
import { managementToken, managingApplication, rawManagement } from '../support/management.ts'

let server: Keywright
let account: string
let api: ReturnType<typeof rawManagement>

beforeAll(async () => {
  server = await startKeywright()
  account = await server.make.account()
  api = rawManagement(server.url, await managementToken(server, await managingApplication(server, account)))
})
afterAll(() => server?.stop())

const rowOf = async (clientId: string) => await server.knex('clients').where({ client_id: clientId }).first()

const create = (body: object) => api.json('POST', '/applications', body)

describe.each(APPLICATION_TYPES)('the type $value', ({ value, settings, redirectUris }) => {
  const uris = redirectUris ? [redirectUris.placeholder] : []
  const expected = { grants: settings.grants, is_public: settings.isPublic, redirect_uris: uris }

  it('gives the grant types and the client type to an application of the API', async () => {
    const { status, body } = await create({
      name: 'By the API',
      type: value,
      ...(redirectUris && { redirect_uris: uris }),
    })
    expect([status, 'client_secret' in body]).toEqual([201, !settings.isPublic])
    expect(await rowOf(body.client_id)).toMatchObject(expected)
  })

  it('gives them to an application of the command line', async () => {
    const redirect = redirectUris ? ['--redirect-uri', ...uris] : []
    const made = await keywright(server.env)(
      `client create --account ${account} --type ${value} --name Typed`,
      ...redirect,
    )
    expect('client_secret' in made).toBe(!settings.isPublic)
    expect(await rowOf(made.client_id)).toMatchObject(expected)
  })
})

describe('the settings of a request', () => {
  it('come before those of the type', async () => {
    const redirect_uris = ['https://app.example.com/callback']
    const request = { name: 'Own', type: 'spa', grants: ['authorization_code'], is_public: false, redirect_uris }
    const { status, body } = await create(request)
    expect([status, body.application.grants, body.application.is_public]).toEqual([201, ['authorization_code'], false])
  })

  it('need grant types or a type', async () => {
    const missing = await create({ name: 'Neither' })
    expect(missing.status).toBe(400)
    expect(missing.text).toContain('name the grant types, or a type of application')
    expect((await create({ name: 'Unknown', type: 'toaster' })).status).toBe(400)
    const command = ['client', 'create', '--account', account, '--name', 'Neither']
    expect(await runCli(command, server.env)).toMatchObject({ code: 2 })
    expect(await runCli([...command, '--type', 'toaster'], server.env)).toMatchObject({ code: 2 })
  })

  it('must have a redirect URI where the type needs one', async () => {
    const { status, text } = await create({ name: 'Web', type: 'web' })
    expect([status, text]).toEqual([400, expect.stringContaining('redirect URI')])
  })
})
