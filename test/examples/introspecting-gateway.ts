import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openDirectory, type Program, removeDirectory } from '../support/program.ts'
import {
  ask,
  askBound,
  askTwice,
  noTrickWorks,
  refused,
  type Stage,
  startStage,
  startVerifier,
  tryTricks,
} from './example-environment.ts'

/** A gateway at work; whole once the first test runs. */
export interface Rig {
  readonly stage: Stage
  readonly verifier: Program
  readonly gateway: Program
  /** A directory for its files. */
  readonly home: string
}

export interface AskingGateway {
  readonly name: string
  readonly isThere: boolean
  /** Starts it before the stage's API, to ask the verifier at that address. */
  start(rig: Pick<Rig, 'stage' | 'home'>, verifier: string): Promise<Program>
  /** Its status for a request that is malformed. */
  readonly malformed: 400 | 401
  /** Tests that are its own. */
  more?(rig: Rig): void
}

const revealing = (text: string) => ({ status: 401, challenge: expect.stringContaining(text) })

/** What every gateway of `examples/` does that asks keywright-verify about each request. */
export function testAskingGateway({ name, isThere, start, malformed, more }: AskingGateway): void {
  describe.skipIf(!isThere)(`${name} with keywright-verify`, () => {
    const rig = {} as { -readonly [Part in keyof Rig]: Rig[Part] }

    beforeAll(async () => {
      rig.home = await openDirectory()
      rig.stage = await startStage()
      rig.verifier = await startVerifier(rig.stage)
      rig.gateway = await start(rig, rig.verifier.url)
    })
    afterAll(async () => {
      await rig.gateway?.stop()
      await rig.verifier?.stop()
      await rig.stage?.stop()
      if (rig.home) await removeDirectory(rig.home)
    })

    test('a good token passes, and the API is told who calls, whatever the caller says of that', async () => {
      const { stage, gateway } = rig
      const lies = { 'x-client-id': 'somebody', 'x-subject': 'else', 'x-scope': 'admin' }
      const { status, body } = await ask(gateway, await stage.token('read write'), lies)
      expect(status).toBe(200)
      expect(body).toMatchObject({ method: 'GET', url: '/weather?city=Bern' })
      const { clientId } = stage.client
      expect(body.headers).toMatchObject({ 'x-client-id': clientId, 'x-subject': clientId, 'x-scope': 'read write' })
      expect(body.headers).not.toHaveProperty('authorization')
    })

    test('without a token, or with one that is none or of another API, it is refused with a challenge', async () => {
      const { stage, gateway } = rig
      expect(await ask(gateway)).toMatchObject(
        revealing(`${stage.api.identifier}/.well-known/oauth-protected-resource`),
      )
      const expected = { ...revealing('error="invalid_request"'), status: malformed }
      expect(await ask(gateway, 'nonsense')).toMatchObject(expected)
      const [head, body] = (await stage.token()).split('.')
      for (const token of [`${head}.${body}.${'A'.repeat(86)}`, await stage.token('read', 'other')]) {
        expect(await ask(gateway, token)).toMatchObject(revealing('error="invalid_token"'))
      }
    })

    test('a token without the scope is 403, and the challenge names what is needed', async () => {
      const challenge = expect.stringMatching(/scope="read", error="insufficient_scope"/)
      expect(await ask(rig.gateway, await rig.stage.token('write'))).toMatchObject({ status: 403, challenge })
    })

    test('no caller passes for another by names that look alike, by Connection, or by another protocol', async () => {
      expect(await tryTricks(rig.gateway, await rig.stage.token())).toEqual(noTrickWorks(rig.stage.client))
    })

    test('a request with two tokens is refused, though the first is good', async () => {
      for (const status of await askTwice(rig.gateway, rig.stage)) expect([400, 401]).toContain(status)
    })

    test('a revoked token is refused soon', async () => {
      const { stage, gateway } = rig
      const [token, kept] = [await stage.token(), await stage.token()]
      expect((await ask(gateway, token)).status).toBe(200)
      await stage.revoke(token)
      expect(await refused(gateway, token)).toMatchObject(revealing('was revoked'))
      expect((await ask(gateway, kept)).status).toBe(200)
    })

    test('a token that is bound to a key passes with a proof for what was asked, and else not', async () => {
      const lies = { 'x-forwarded-uri': '/other', 'x-forwarded-method': 'POST', 'x-original-uri': '/other' }
      for (const headers of [{}, lies]) {
        const { right, elsewhere, bearer } = await askBound(rig.gateway, rig.stage, headers)
        expect(right.status).toBe(200)
        expect(right.body.headers).toMatchObject({ 'x-client-id': rig.stage.client.clientId })
        expect(elsewhere).toMatchObject(revealing('invalid_dpop_proof'))
        expect(bearer).toMatchObject(revealing('use the DPoP scheme'))
      }
    })

    test('the metadata of the API is served without a token', async () => {
      const answer = await fetch(`${rig.gateway.url}/.well-known/oauth-protected-resource`)
      const { api, issuer } = rig.stage
      expect(await answer.json()).toMatchObject({ resource: api.identifier, authorization_servers: [issuer] })
    })

    more?.(rig)

    test('while the verifier is away nothing passes: 503', async () => {
      const token = await rig.stage.token()
      await rig.verifier.stop()
      const { status, headers } = await ask(rig.gateway, token)
      expect({ status, retry: headers.get('retry-after') }).toEqual({ status: 503, retry: '5' })
    })
  })
}
