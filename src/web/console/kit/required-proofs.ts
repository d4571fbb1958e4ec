/** What a token request needs beside the credentials of the client. */
import type { Client } from '../../../clients/clients.ts'
import type { ConsoleTranslate } from '../../../languages/console/console-translator.ts'

export interface RequiredProofs extends Pick<Client, 'dpop' | 'certificateBoundAccessTokens'> {}

/** An API, for which tokens without a key may not be issued. */
interface OfApi {
  readonly dpopRequired: boolean
}

const needsDpop = ({ dpop }: RequiredProofs, api: OfApi | undefined): boolean =>
  dpop !== 'optional' || api?.dpopRequired === true

/** Whether credentials alone get no token. @param api of the token */
export const needsProof = (client: RequiredProofs, api?: OfApi): boolean =>
  needsDpop(client, api) || client.certificateBoundAccessTokens

/** The options of curl by which a request has the proofs, after a space. The DPoP proof is a word in capitals. */
export const proofOptions = (client: RequiredProofs, api?: OfApi): string =>
  [
    ...(needsDpop(client, api) ? [' --header "DPoP: DPOP_PROOF"'] : []),
    ...(client.certificateBoundAccessTokens ? [' --cert client.crt --key client.key'] : []),
  ].join('')

/** What the reader of a command with `proofOptions` must know; empty: it works as it is. */
export const proofTexts = (t: ConsoleTranslate, client: RequiredProofs, api?: OfApi): string[] => [
  ...(needsDpop(client, api)
    ? [
        t(
          'Each token request needs a DPoP proof (RFC 9449): a JWT for this one request, signed with a key of the program. Most OAuth libraries make it. In the command, it takes the place of DPOP_PROOF.',
        ),
      ]
    : []),
  ...(client.certificateBoundAccessTokens
    ? [
        t(
          'Each token request needs a client certificate in TLS (RFC 8705). The command reads it from client.crt and client.key.',
        ),
      ]
    : []),
]
