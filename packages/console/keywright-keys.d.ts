/** The texts of the component. Those that are left out stay. */
export interface KeysTexts {
  readonly none: string
  readonly generate: string
  readonly generateFirst: string
  readonly replaces: string
  readonly confirmGenerate: string
  readonly cancel: string
  readonly once: string
  readonly clientId: string
  readonly clientSecret: string
  readonly apiKey: string
  readonly copy: string
  readonly copied: string
  readonly copyBlocked: string
  readonly done: string
  readonly endsIn: string
  readonly generated: string
  readonly lastUsed: string
  readonly never: string
  readonly stop: string
  readonly stops: string
  readonly confirmStop: string
  readonly failed: string
  readonly uncertain: string
  readonly notLoaded: string
  readonly retry: string
  readonly reload: string
  readonly loading: string
  readonly frame: string
}

/**
 * `<keywright-keys>` shows the API keys of a user of your product, in one of two ways:
 *
 * - `session-url`: the `url` of `POST /api/v1/console-sessions` with `embed_origin`; Keywright's pages in a frame.
 * - `endpoint`: a path of your back end, which forwards to the management API with a token of
 *   `POST /api/v1/console-sessions/tokens`; no frame.
 *
 * Events: `keywright-generated` and `keywright-stopped` (`detail.clientId`, never a secret), `keywright-session-over` (set another
 * `session-url`), `keywright-error` (`detail.status`).
 */
export class KeywrightKeys extends HTMLElement {
  static readonly observedAttributes: readonly string[]
  texts: Partial<KeysTexts>
  /** Replaces `fetch` for `endpoint`. */
  fetch: typeof globalThis.fetch
  /** Reads the keys again, unless a secret is shown that the user has not copied yet. */
  refresh(): Promise<void>
}

declare global {
  interface HTMLElementTagNameMap {
    'keywright-keys': KeywrightKeys
  }
}
