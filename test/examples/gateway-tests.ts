import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { until } from '../support/load.ts'
import { openDirectory, type Program, removeDirectory } from '../support/program.ts'
import {
  ask,
  askWithBoundToken,
  askWithoutAccount,
  askWithTwoTokens,
  type ExampleEnvironment,
  identityOf,
  sendForgedRequests,
  startExampleEnvironment,
  startVerifier,
  untilRejected,
  withoutForgery,
} from './example-environment.ts'

/** A running gateway. Complete once the first test runs. */
export interface GatewayEnvironment {
  readonly environment: ExampleEnvironment
  readonly verifier: Program
  readonly gateway: Program
  /** The directory of its files. */
  readonly home: string
}

export interface Gateway {
  readonly name: string
  readonly isInstalled: boolean
  /** Starts it in front of the API, with the URL of the verifier. */
  start(running: Pick<GatewayEnvironment, 'environment' | 'home'>, verifier: string): Promise<Program>
  /** The HTTP status for a malformed request. */
  readonly malformed: 400 | 401
  /** Tests of this gateway only. */
  additionalTests?(running: GatewayEnvironment): void
}

const unauthorized = (text: string) => ({ status: 401, challenge: expect.stringContaining(text) })

/** The tests of every gateway in `examples/` that asks keywright-verify about each request. */
export function testGateway({ name, isInstalled, start, malformed, additionalTests }: Gateway): void {
  describe.skipIf(!isInstalled)(`${name} with keywright-verify`, () => {
    const running = {} as { -readonly [Part in keyof GatewayEnvironment]: GatewayEnvironment[Part] }

    beforeAll(async () => {
      running.home = await openDirectory()
      running.environment = await startExampleEnvironment()
      running.verifier = await startVerifier(running.environment)
      running.gateway = await start(running, running.verifier.url)
      // The verifier has 5 s to read keys and status lists; on a busy machine it rightly answers 503 where that takes longer.
      const token = await running.environment.token('read')
      await until(async () => (await ask(running.gateway, token)).status === 200)
    })
    afterAll(async () => {
      await running.gateway?.stop()
      await running.verifier?.stop()
      await running.environment?.stop()
      if (running.home) await removeDirectory(running.home)
    })

    test('a request with a valid token reaches the API with the identity of the caller, which forged headers do not change', async () => {
      const { environment, gateway } = running
      const forged = { 'x-client-id': 'somebody', 'x-account-id': 'foreign', 'x-subject': 'else', 'x-scope': 'admin' }
      const { status, body } = await ask(gateway, await environment.token('read write'), forged)
      expect(status).toBe(200)
      expect(body).toMatchObject({ method: 'GET', url: '/weather?city=Bern' })
      expect(body.headers).toMatchObject({ ...identityOf(environment), 'x-scope': 'read write' })
      expect(body.headers).not.toHaveProperty('authorization')
    })

    test('forwards no account with a token that has none, whatever the caller sent', async () => {
      expect(await askWithoutAccount(running.gateway, running.environment)).toMatchObject({ status: 200, account: '' })
    })

    test('a request without a token, or with one that is invalid or for another API, is rejected with a challenge', async () => {
      const { environment, gateway } = running
      expect(await ask(gateway)).toMatchObject(
        unauthorized(`${environment.api.identifier}/.well-known/oauth-protected-resource`),
      )
      const expected = { ...unauthorized('error="invalid_request"'), status: malformed }
      expect(await ask(gateway, 'nonsense')).toMatchObject(expected)
      const [head, body] = (await environment.token()).split('.')
      for (const token of [`${head}.${body}.${'A'.repeat(86)}`, await environment.token('read', 'other')]) {
        expect(await ask(gateway, token)).toMatchObject(unauthorized('error="invalid_token"'))
      }
    })

    test('a token without the scope is rejected with 403, and the challenge contains the required scope', async () => {
      const challenge = expect.stringMatching(/scope="read", error="insufficient_scope"/)
      expect(await ask(running.gateway, await running.environment.token('write'))).toMatchObject({
        status: 403,
        challenge,
      })
    })

    test('headers with underscores, Connection and Upgrade do not change the identity of the caller', async () => {
      expect(await sendForgedRequests(running.gateway, await running.environment.token())).toEqual(
        withoutForgery(running.environment),
      )
    })

    test('a request with two tokens is rejected, even if the first is valid', async () => {
      for (const status of await askWithTwoTokens(running.gateway, running.environment))
        expect([400, 401]).toContain(status)
    })

    test('a revoked token is rejected soon', async () => {
      const { environment, gateway } = running
      const [token, kept] = [await environment.token(), await environment.token()]
      expect((await ask(gateway, token)).status).toBe(200)
      await environment.revoke(token)
      expect(await untilRejected(gateway, token)).toMatchObject(unauthorized('was revoked'))
      expect((await ask(gateway, kept)).status).toBe(200)
    })

    test('a token that is bound to a key is accepted only with a proof for the request', async () => {
      const forged = { 'x-forwarded-uri': '/other', 'x-forwarded-method': 'POST', 'x-original-uri': '/other' }
      for (const headers of [{}, forged]) {
        const { matching, forOtherUrl, bearer } = await askWithBoundToken(running.gateway, running.environment, headers)
        expect(matching.status).toBe(200)
        expect(matching.body.headers).toMatchObject({ 'x-client-id': running.environment.client.clientId })
        expect(forOtherUrl).toMatchObject(unauthorized('invalid_dpop_proof'))
        expect(bearer).toMatchObject(unauthorized('use the DPoP scheme'))
      }
    })

    test('the metadata of the API is served without a token', async () => {
      const answer = await fetch(`${running.gateway.url}/.well-known/oauth-protected-resource`)
      const { api, issuer } = running.environment
      expect(await answer.json()).toMatchObject({ resource: api.identifier, authorization_servers: [issuer] })
    })

    additionalTests?.(running)

    test('every request is rejected with 503 while the verifier is down', async () => {
      const token = await running.environment.token()
      await running.verifier.stop()
      const { status, headers } = await ask(running.gateway, token)
      expect({ status, retry: headers.get('retry-after') }).toEqual({ status: 503, retry: '5' })
    })
  })
}
