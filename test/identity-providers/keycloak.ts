import { execFile } from 'node:child_process'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { exampleWith } from '../examples/example-environment.ts'
import { cleanEnvironment } from '../support/environment.ts'
import { until } from '../support/load.ts'
import { freePort, startProgram } from '../support/program.ts'

const VERSION = '26.7.3'
const UNPACK = 'org.apache.maven.plugins:maven-dependency-plugin:3.8.1:unpack'
const ARTIFACT = `org.keycloak:keycloak-quarkus-dist:${VERSION}:zip`
const ADMINISTRATOR = { username: 'admin', password: 'password of the tests' }

/** Milliseconds for the first download, and for a start on a busy machine. */
export const LONG = 900_000

/** Unpacks Keycloak, which Maven keeps for the next time. */
async function unpack(maven: string, directory: string): Promise<string> {
  const args = ['-q', '-B', '-ntp', UNPACK, `-Dartifact=${ARTIFACT}`, `-DoutputDirectory=${directory}`]
  const env = cleanEnvironment({}) as NodeJS.ProcessEnv
  await promisify(execFile)(maven, args, { cwd: directory, env, timeout: LONG })
  return join(directory, `keycloak-${VERSION}`)
}

/**
 * Starts Keycloak with the realm of `examples/keycloak`, for a server at this address.
 * @param directory an empty one, for its files
 * @throws Error when Keycloak ends or does not start
 */
export async function startKeycloak(maven: string, directory: string, client: { readonly issuer: string }) {
  const home = await unpack(maven, directory)
  const realm = await exampleWith('keycloak/realm.json', { 'http://localhost:3000': client.issuer })
  await mkdir(join(home, 'data/import'), { recursive: true })
  await writeFile(join(home, 'data/import/acme.json'), realm)
  const port = await freePort()
  const command = ['start-dev', '--db=dev-mem', '--http-host=127.0.0.1', `--http-port=${port}`, '--import-realm']
  const env = {
    KC_BOOTSTRAP_ADMIN_USERNAME: ADMINISTRATOR.username,
    KC_BOOTSTRAP_ADMIN_PASSWORD: ADMINISTRATOR.password,
    JAVA_OPTS_KC_HEAP: '-Xms128m -Xmx512m',
    // It runs for a minute: the optimizing compiler would cost more than it saves.
    JAVA_OPTS_APPEND: '-XX:TieredStopAtLevel=1',
  }
  const program = await startProgram([join(home, 'bin/kc.sh'), ...command], port, env, LONG)
  const issuer = `${program.url}/realms/acme`
  const isReady = async () =>
    (await fetch(`${issuer}/.well-known/openid-configuration`).catch(() => undefined))?.ok === true
  await until(isReady, LONG)

  async function administratorToken(): Promise<string> {
    const body = new URLSearchParams({ grant_type: 'password', client_id: 'admin-cli', ...ADMINISTRATOR })
    const address = `${program.url}/realms/master/protocol/openid-connect/token`
    const response = await fetch(address, { method: 'POST', body })
    return ((await response.json()) as { access_token: string }).access_token
  }

  /** A request to the administration API. @param path from the realm */
  async function administer(method: string, path: string, body?: unknown): Promise<unknown> {
    const headers = { authorization: `Bearer ${await administratorToken()}`, 'content-type': 'application/json' }
    const sent = body === undefined ? {} : { body: JSON.stringify(body) }
    const response = await fetch(`${program.url}/admin/realms/acme${path}`, { method, headers, ...sent })
    const text = await response.text()
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`)
    return text && JSON.parse(text)
  }

  const findUser = async (username: string) =>
    ((await administer('GET', `/users?exact=true&username=${username}`)) as [{ id: string }])[0]

  return {
    url: program.url,
    issuer,
    /** Adds a user, whose password is their name. */
    async addUser(username: string, email: string, emailVerified: boolean): Promise<void> {
      const names = { firstName: username, lastName: 'Example' }
      const credentials = [{ type: 'password', value: username }]
      await administer('POST', '/users', { username, email, emailVerified, ...names, enabled: true, credentials })
    },
    /** Signs with a new key from now on; the former one is announced no more. */
    async rotateKeys(): Promise<void> {
      const { id } = (await administer('GET', '')) as { id: string }
      const kind = { providerId: 'rsa-generated', providerType: 'org.keycloak.keys.KeyProvider', parentId: id }
      const query = '/components?type=org.keycloak.keys.KeyProvider'
      const keys = (await administer('GET', query)) as { id: string; providerId: string }[]
      await administer('POST', '/components', { ...kind, name: 'next', config: { priority: ['200'] } })
      const former = keys.find(({ providerId }) => providerId === 'rsa-generated')!
      await administer('DELETE', `/components/${former.id}`)
    },
    /** Where sign-outs are announced. */
    async setLogoutUri(uri: string): Promise<void> {
      const [found] = (await administer('GET', '/clients?clientId=keywright')) as [
        { id: string; attributes: Record<string, string> },
      ]
      const logout = { 'backchannel.logout.url': uri, 'backchannel.logout.session.required': 'true' }
      const attributes = { ...found.attributes, ...logout }
      await administer('PUT', `/clients/${found.id}`, { ...found, attributes })
    },
    /** Ends the sessions of a user. */
    async signOut(username: string): Promise<void> {
      await administer('POST', `/users/${(await findUser(username)).id}/logout`)
    },
    stop: () => program.stop(),
  }
}

export type Keycloak = Awaited<ReturnType<typeof startKeycloak>>
