/** `<keywright-keys>`: the API keys of a user of your product. See README.md and keywright-keys.d.ts. */

const ENGLISH = {
  none: 'No API keys yet',
  generate: 'Generate new keys',
  generateFirst: 'Generate keys',
  replaces: 'This revokes your present client ID, client secret and all their tokens immediately.',
  confirmGenerate: 'Generate keys now',
  cancel: 'Cancel',
  once: 'Copy the secret now. It is shown only once.',
  clientId: 'Client ID',
  clientSecret: 'Client secret',
  apiKey: 'API key',
  copy: 'Copy',
  copied: 'Copied',
  copyBlocked: 'Copying is blocked by your browser. Copy the selected text yourself.',
  done: 'I have copied them',
  endsIn: 'Client secret ends in',
  generated: 'Generated',
  lastUsed: 'Last used',
  never: 'never',
  stop: 'Stop',
  stops: 'This stops the keys for good and revokes all their tokens immediately.',
  confirmStop: 'Stop these keys',
  failed: 'This did not work. Nothing was changed.',
  uncertain: 'This may have worked. Load the keys again to see.',
  notLoaded: 'The keys could not be loaded.',
  retry: 'Try again',
  reload: 'Load the keys again',
  loading: 'Loading…',
  frame: 'API keys',
}

const GERMAN = {
  none: 'Noch keine API-Schlüssel',
  generate: 'Neue Schlüssel generieren',
  generateFirst: 'Schlüssel generieren',
  replaces: 'Dadurch werden Ihre aktuelle Client-ID, Ihr Client-Secret und alle zugehörigen Tokens sofort widerrufen.',
  confirmGenerate: 'Schlüssel jetzt generieren',
  cancel: 'Abbrechen',
  once: 'Kopieren Sie das Secret jetzt. Es wird nur einmal angezeigt.',
  clientId: 'Client-ID',
  clientSecret: 'Client-Secret',
  apiKey: 'API-Schlüssel',
  copy: 'Kopieren',
  copied: 'Kopiert',
  copyBlocked: 'Ihr Browser verhindert das Kopieren. Kopieren Sie den markierten Text selbst.',
  done: 'Ich habe sie kopiert',
  endsIn: 'Client-Secret endet auf',
  generated: 'Generiert',
  lastUsed: 'Zuletzt verwendet',
  never: 'nie',
  stop: 'Stoppen',
  stops: 'Dadurch werden die Schlüssel endgültig gestoppt und alle zugehörigen Tokens sofort widerrufen.',
  confirmStop: 'Diese Schlüssel stoppen',
  failed: 'Das hat nicht funktioniert. Es wurde nichts geändert.',
  uncertain: 'Das hat möglicherweise funktioniert. Laden Sie die Schlüssel neu, um es zu sehen.',
  notLoaded: 'Die Schlüssel konnten nicht geladen werden.',
  retry: 'Erneut versuchen',
  reload: 'Schlüssel neu laden',
  loading: 'Wird geladen …',
  frame: 'API-Schlüssel',
}

// Constructed, because a strict Content-Security-Policy allows no inline style.
const STYLE = `
  :host {
    display: block;
    color: var(--keywright-text, inherit);
    font: var(--keywright-font, inherit);
  }
  iframe {
    display: block;
    width: 100%;
    min-height: 10rem;
    border: 0;
  }
  .panel {
    padding: 1.25rem;
    background: var(--keywright-background, transparent);
    border: 1px solid var(--keywright-border, color-mix(in srgb, currentcolor 25%, transparent));
    border-radius: var(--keywright-radius, 0.75rem);
  }
  .panel + .panel { margin-top: 1rem; }
  p { margin: 0 0 1rem; }
  dl { display: grid; grid-template-columns: max-content 1fr; gap: 0.25rem 1rem; margin: 0 0 1rem; }
  dt { opacity: 0.75; }
  dd { margin: 0; overflow-wrap: anywhere; }
  code, input { font-family: ui-monospace, menlo, consolas, monospace; font-size: 0.875em; }
  label { display: block; margin-bottom: 0.25rem; font-weight: 600; }
  .copy { display: flex; flex-wrap: wrap; gap: 0.5rem; margin-bottom: 1rem; }
  .copy p { flex-basis: 100%; margin: 0; }
  input {
    flex: 1 1 12rem;
    min-width: 0;
    padding: 0.5rem 0.75rem;
    line-height: 1.5;
    color: inherit;
    background: transparent;
    border: 1px solid var(--keywright-border, color-mix(in srgb, currentcolor 50%, transparent));
    border-radius: calc(var(--keywright-radius, 0.75rem) / 2);
  }
  button {
    min-height: 2.75rem;
    padding: 0.25rem 1rem;
    font: inherit;
    font-weight: 600;
    color: inherit;
    cursor: pointer;
    background: transparent;
    border: 1px solid var(--keywright-border, color-mix(in srgb, currentcolor 50%, transparent));
    border-radius: calc(var(--keywright-radius, 0.75rem) / 2);
  }
  button.primary {
    color: var(--keywright-on-accent, #fff);
    background: var(--keywright-accent, #1f5fbf);
    border-color: transparent;
  }
  button.danger {
    color: #fff;
    background: var(--keywright-danger, #b3261e);
    border-color: transparent;
  }
  button[aria-disabled] { opacity: 0.6; cursor: default; }
  .view:focus { outline: none; }
  :focus-visible { outline: 3px solid var(--keywright-accent, #1f5fbf); outline-offset: 2px; }
  .loading { animation: appear 0s 0.3s backwards; }
  @keyframes appear { from { visibility: hidden; } }
  .row { display: flex; flex-wrap: wrap; gap: 0.5rem; }
  .quiet { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
  @media (max-width: 24rem) {
    dl { grid-template-columns: 1fr; }
    dd { margin-bottom: 0.5rem; }
  }
`

/** An element with properties and children; text is never parsed as HTML. */
function element(name, properties = {}, ...children) {
  const made = Object.assign(document.createElement(name), properties)
  made.append(...children)
  return made
}

class RequestError extends Error {
  constructor(status) {
    super(`the endpoint answered ${status}`)
    this.status = status
  }

  /** After a refusal nothing was changed. A timeout or a gateway that fails says nothing about what the server behind it did. */
  get isRefusal() {
    return this.status >= 400 && this.status < 500 && this.status !== 408
  }
}

export class KeywrightKeys extends HTMLElement {
  static observedAttributes = ['session-url', 'endpoint', 'lang']

  texts = {}
  fetch = (...request) => globalThis.fetch(...request)
  #root = this.attachShadow({ mode: 'open' })
  #view = element('div', { tabIndex: -1, className: 'view' })
  #spoken = element('p', { className: 'quiet' })
  /** The present view: an answer that comes later does not replace it. */
  #shown = 0
  #isPlanned = false
  /** A request that changes something is under way: its answer may have the secret, so nothing else is shown before it. */
  #isChanging = false
  /** A secret is shown that the user has not copied yet. It exists nowhere else. */
  #holdsSecret = false

  constructor() {
    super()
    const style = new CSSStyleSheet()
    style.replaceSync(STYLE)
    this.#root.adoptedStyleSheets = [style]
    this.#spoken.setAttribute('role', 'status')
    this.#root.append(this.#view, this.#spoken)
  }

  connectedCallback() {
    addEventListener('message', this.#receive)
    this.#refreshSoon()
  }

  disconnectedCallback() {
    removeEventListener('message', this.#receive)
  }

  attributeChangedCallback(name, before, after) {
    if (before === after) return
    if (name === 'lang') this.#translate()
    else if (this.isConnected) this.#refreshSoon()
  }

  /** Once for all attributes: a session URL that is loaded twice is used up before its frame has it. */
  #refreshSoon() {
    if (this.#isPlanned) return
    this.#isPlanned = true
    queueMicrotask(() => {
      this.#isPlanned = false
      if (this.isConnected) this.refresh()
    })
  }

  /** Shows the frame, or reads the keys again: after the user has copied a secret that is shown, and never during a change. */
  async refresh() {
    this.#translate()
    if (this.#isChanging || this.#holdsSecret) return
    const sessionUrl = this.getAttribute('session-url')
    if (sessionUrl) return this.#showFrame(sessionUrl)
    if (!this.hasAttribute('endpoint')) return
    await this.#load()
  }

  /** Reads the keys and shows them, unless something else is shown meanwhile. */
  async #load() {
    if (!this.#view.hasChildNodes()) this.#show(this.#worded('p', 'loading', { className: 'loading' }))
    const view = this.#begin()
    try {
      const { items } = await this.#ask('GET', '')
      if (view === this.#shown) this.#showList(items)
    } catch (error) {
      if (view === this.#shown) this.#showFailure(error, 'notLoaded', 'retry')
    }
  }

  #text(name) {
    const isGerman = /^de(-|$)/.test(this.#language() ?? '')
    return this.texts[name] ?? (isGerman ? GERMAN : ENGLISH)[name]
  }

  /** The language of the page (BCP 47), also if it is spelled as a POSIX locale (`de_DE`). */
  #language() {
    const spelled = this.closest('[lang]')?.lang ?? ''
    try {
      return Intl.getCanonicalLocales(spelled.replaceAll('_', '-'))[0]
    } catch {
      // None, or no language.
      return undefined
    }
  }

  /** An element with a text of the component, which a change of the language translates. */
  #worded(name, text, properties = {}) {
    return this.#word(element(name, properties), text)
  }

  #word(made, text) {
    made.dataset.text = text
    made.textContent = this.#text(text)
    return made
  }

  /** Translates what is shown, in place: a secret, a frame and the focus stay. */
  #translate() {
    for (const made of this.#view.querySelectorAll('[data-text]')) made.textContent = this.#text(made.dataset.text)
    for (const time of this.#view.querySelectorAll('time')) time.textContent = this.#moment(time.dateTime)
    for (const frame of this.#view.querySelectorAll('iframe')) frame.title = this.#text('frame')
  }

  #tell(name, detail) {
    this.dispatchEvent(new CustomEvent(`keywright-${name}`, { detail, bubbles: true, composed: true }))
  }

  /** Marks what is shown as out of date. */
  #begin() {
    this.#view.setAttribute('aria-busy', 'true')
    return ++this.#shown
  }

  /** A focus within what was shown stays in the component. */
  #show(...children) {
    const hasFocus = this.#root.activeElement !== null
    this.#shown += 1
    this.#view.removeAttribute('aria-busy')
    this.#view.replaceChildren(...children)
    this.#spoken.textContent = ''
    if (hasFocus) this.#view.focus()
  }

  #showFrame(url) {
    // Its URL can be opened once.
    if (this.#view.querySelector('iframe')?.getAttribute('src') === url) return
    const frame = element('iframe', { src: url, title: this.#text('frame'), allow: 'clipboard-write' })
    // The next page in the frame begins at its top, also when a button far below led there.
    frame.onload = () => {
      if (frame.getBoundingClientRect().top < 0) this.scrollIntoView()
    }
    this.#show(frame)
  }

  #receive = ({ source, origin, data }) => {
    const frame = this.#view.querySelector('iframe')
    if (!frame || source !== frame.contentWindow || origin !== new URL(frame.src).origin) return
    if (data?.type === 'keywright:height' && Number.isFinite(data.height)) frame.style.height = `${data.height}px`
    if (data?.type === 'keywright:session-over') this.#tell('session-over', { reason: String(data.reason) })
  }

  /** @throws RequestError */
  async #ask(method, path, body) {
    const headers = { accept: 'application/json', 'x-requested-with': 'keywright-keys' }
    const request = { method, headers, credentials: 'same-origin' }
    if (body)
      Object.assign(request, {
        body: JSON.stringify(body),
        headers: { ...headers, 'content-type': 'application/json' },
      })
    const response = await this.fetch(this.getAttribute('endpoint') + path, request)
    if (!response.ok) throw new RequestError(response.status)
    return await response.json()
  }

  /** A request that changes something. Its answer, which may have a secret, is shown in any case. */
  async #change(path, body, show) {
    if (this.#isChanging) return
    this.#isChanging = true
    this.#begin()
    for (const button of this.#view.querySelectorAll('button')) button.setAttribute('aria-disabled', 'true')
    let answer
    try {
      answer = await this.#ask('POST', path, body)
    } catch (error) {
      const isRefusal = error instanceof RequestError && error.isRefusal
      return this.#showFailure(error, isRefusal ? 'failed' : 'uncertain', 'reload')
    } finally {
      this.#isChanging = false
    }
    show(answer)
  }

  #button(text, onclick, className = '') {
    return this.#worded('button', text, { type: 'button', onclick, className })
  }

  #showFailure(error, text, again) {
    const notice = this.#worded('p', text, { role: 'alert' })
    const button = this.#button(again, () => this.refresh())
    this.#show(element('div', { className: 'panel' }, notice, button))
    this.#tell('error', { status: error instanceof RequestError ? error.status : 0 })
  }

  #time(value) {
    if (!value) return this.#worded('span', 'never')
    return element('time', { dateTime: value, textContent: this.#moment(value) })
  }

  #moment(value) {
    return new Date(value).toLocaleString(this.#language(), { dateStyle: 'medium', timeStyle: 'short' })
  }

  #fact(label, value) {
    return [this.#worded('dt', label), element('dd', {}, value)]
  }

  #showList(items) {
    const active = items.filter(({ status }) => status === 'active')
    const own = active.find(({ pair_name }) => pair_name === null)
    const panels = active.map((pair) => this.#pairPanel(pair))
    const generate = this.#button(own ? 'generate' : 'generateFirst', () => this.#askGenerate(own), 'primary')
    const none = this.#worded('p', 'none')
    this.#show(...panels, element('div', { className: 'panel' }, ...(own ? [] : [none]), generate))
  }

  #pairPanel(pair) {
    const panel = element('div', { className: 'panel' })
    panel.append(
      element(
        'dl',
        {},
        ...this.#fact('clientId', element('code', { textContent: pair.client_id })),
        ...this.#fact('endsIn', element('code', { textContent: pair.last_four ?? '' })),
        ...this.#fact('generated', this.#time(pair.created_at)),
        ...this.#fact('lastUsed', this.#time(pair.last_used_at)),
      ),
      this.#button('stop', () => this.#askStop(pair)),
    )
    return panel
  }

  #confirm(text, action, className) {
    const cancel = this.#button('cancel', () => this.refresh())
    const warning = text ? [this.#worded('p', text)] : []
    this.#show(element('div', { className: 'panel' }, ...warning, element('div', { className: 'row' }, action, cancel)))
    action.focus()
    if (text) this.#spoken.textContent = this.#text(text)
    action.className = className
  }

  #askGenerate(own) {
    // The keys that the user saw: others, from another tab, are not replaced.
    const body = { replaces: own?.client_id ?? null }
    const generate = () => this.#change('', body, (made) => this.#showSecret(made))
    const action = this.#button('confirmGenerate', generate)
    this.#confirm(own ? 'replaces' : undefined, action, own ? 'danger' : 'primary')
  }

  #askStop({ client_id: clientId }) {
    const stop = () =>
      this.#change(`/${encodeURIComponent(clientId)}/stop`, {}, () => {
        this.#tell('stopped', { clientId })
        this.#load()
      })
    this.#confirm('stops', this.#button('confirmStop', stop), 'danger')
  }

  #secretField(label, value) {
    const input = element('input', { readOnly: true, value, id: label })
    input.onfocus = () => input.select()
    const field = element('div', { className: 'copy' }, input)
    const copy = this.#button('copy', async () => {
      for (const blocked of field.querySelectorAll('p')) blocked.remove()
      try {
        // There is no clipboard on a page without TLS.
        await navigator.clipboard.writeText(value)
        this.#word(copy, 'copied')
        this.#spoken.textContent = this.#text('copied')
      } catch {
        this.#word(copy, 'copy')
        field.append(this.#worded('p', 'copyBlocked', { role: 'alert' }))
        input.focus()
        input.select()
      }
    })
    field.append(copy)
    return [this.#worded('label', label, { htmlFor: label }), field]
  }

  #showSecret({ client_id, client_secret, api_key }) {
    this.#holdsSecret = true
    const once = this.#worded('p', 'once', { tabIndex: -1 })
    const fields = [
      ...this.#secretField('clientId', client_id),
      ...this.#secretField('clientSecret', client_secret),
      ...(api_key ? this.#secretField('apiKey', api_key) : []),
    ]
    const hasCopied = () => {
      this.#holdsSecret = false
      this.refresh()
    }
    const done = this.#button('done', hasCopied, 'primary')
    this.#show(element('div', { className: 'panel' }, once, ...fields, done))
    once.focus()
    this.#tell('generated', { clientId: client_id })
  }
}

if (!customElements.get('keywright-keys')) customElements.define('keywright-keys', KeywrightKeys)
