/** What a server answered, read to its end. */
export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  /** The JSON object of the body; empty where it was none. */
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every shape, and say what they expect there
  readonly body: any
}

export interface Credentials {
  readonly clientId: string
  readonly clientSecret?: string | undefined
}

export interface RequestOptions {
  /** Sent as HTTP Basic authentication. */
  readonly basic?: Credentials
  readonly headers?: Record<string, string>
  readonly query?: Record<string, string>
  /** Other than the endpoint's own. */
  readonly path?: string
}

export type FormData = Record<string, string>

const parse = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return {}
  }
}

/** RFC 6749, section 2.3.1. */
export const basicHeader = ({ clientId, clientSecret }: Credentials): string =>
  `Basic ${Buffer.from(`${clientId}:${clientSecret}`).toString('base64')}`

export async function send(url: string, init?: RequestInit): Promise<Answer> {
  const response = await fetch(url, init)
  const text = await response.text()
  return { status: response.status, headers: response.headers, text, body: parse(text) }
}

/** POSTs a form as a client would. */
export async function postForm(url: string, form: FormData, options: RequestOptions = {}): Promise<Answer> {
  const query = options.query ? `?${new URLSearchParams(options.query)}` : ''
  const headers = { ...options.headers, ...(options.basic && { authorization: basicHeader(options.basic) }) }
  return await send(url + query, { method: 'POST', headers, body: new URLSearchParams(form) })
}

/** The three endpoints of a server, wherever it runs. */
export function endpointsOf(url: string) {
  const post =
    (endpoint: string) =>
    (form: FormData, options: RequestOptions = {}) =>
      postForm(url + (options.path ?? endpoint), form, options)
  const [token, introspect, revoke] = ['/oauth2/token', '/oauth2/introspect', '/oauth2/revoke'].map(post)
  return {
    token: token!,
    /** A client_credentials token with the credentials in a Basic header. */
    machineToken: (basic: Credentials, form: FormData = {}, options: RequestOptions = {}) =>
      token!({ grant_type: 'client_credentials', ...form }, { basic, ...options }),
    introspect: (token: string, basic: Credentials, options: RequestOptions = {}) =>
      introspect!({ token }, { basic, ...options }),
    revoke: (token: string, basic: Credentials, options: RequestOptions = {}) =>
      revoke!({ token }, { basic, ...options }),
  }
}

export const claimsOf = (jwt: string): Record<string, unknown> =>
  JSON.parse(Buffer.from(jwt.split('.')[1]!, 'base64url').toString())

/** Of the nodes in tests, whose issuer is not this machine. */
export const METRICS_TOKEN = 'metrics-of-tests'

/** The value of one metric with these labels; 0 while it was never counted. */
export async function metricOf(url: string, name: string, labels: string): Promise<number> {
  const { text } = await send(`${url}/metrics`, { headers: { authorization: `Bearer ${METRICS_TOKEN}` } })
  const line = text.split('\n').find((one) => one.startsWith(`${name}{${labels}}`))
  return Number(line?.split(' ').at(-1) ?? 0)
}
