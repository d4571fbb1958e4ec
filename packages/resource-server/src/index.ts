export type { AccessToken } from './access-token.ts'
export { challengesOf } from './challenges.ts'
export type { RecordProof } from './dpop-replay-cache.ts'
export { AccessTokenError, type AccessTokenErrorCode, type Problem, type Report } from './errors.ts'
export type { FeedCredentials } from './feed-connection.ts'
export { metadataOf, metadataUrl, type ProtectedResource } from './metadata.ts'
export {
  type DpopOptions,
  type StatusListOptions,
  type VerifierOptions,
  VerifierOptionsError,
} from './options.ts'
export type { VerifiableRequest } from './requests.ts'
export { createVerifier, type Verifier, type VerifyOptions } from './verifier.ts'
