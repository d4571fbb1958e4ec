export type { AccessToken } from './access-token.ts'
export { challengesOf } from './challenges.ts'
export { AccessTokenError, type Problem, type RefusalCode, type Report } from './errors.ts'
export { metadataOf, metadataUrl, type ProtectedResource } from './metadata.ts'
export {
  type DpopOptions,
  type StatusListOptions,
  type VerifierOptions,
  VerifierOptionsError,
} from './options.ts'
export type { RememberProof } from './proof-memory.ts'
export type { VerifiableRequest } from './requests.ts'
export type { FeedCredentials } from './status-feed.ts'
export { createVerifier, type Verifier, type VerifyOptions } from './verifier.ts'
