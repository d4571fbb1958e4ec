/** A request to this server, as a span describes it. Nothing of it is a secret: no query, no header, no body. */
export interface TracedRequest {
  readonly method: string
  /** One of few names. */
  readonly route: string
  /** As it is logged. */
  readonly path: string
  /** W3C Trace Context of the caller; absent: the request begins a trace. */
  readonly traceparent: string | undefined
  readonly tracestate: string | undefined
  /** Read when the request has ended. */
  outcome(): { readonly status: number; readonly requestId: string; readonly error: string | undefined }
}

/** A delivery of a webhook, as a span describes it. The URL is not: its path and query may be a secret of the receiver. */
export interface TracedDelivery {
  readonly webhookId: string
  readonly host: string
  /** Of the request that caused the event. */
  readonly traceparent: string | null
}

/** Calls `work` at once, within one span. */
export type WithinSpan = <Result>(work: () => Result) => Result

/** Records what this process does as spans of a trace (OpenTelemetry). */
export interface Tracing {
  /** Continues the caller's trace. What `work` does belongs to its span. */
  request(request: TracedRequest, work: () => Promise<void>): Promise<void>
  /** Calls `work` at once. A statement outside a span, such as that of a job, has none. @param text of the statement, without its values */
  statement<Result>(text: string, work: () => Promise<Result>): Promise<Result>
  /** @param work sends the headers, and returns the status of the response; null: there was none */
  delivery<Result extends { readonly status: number | null }>(
    delivery: TracedDelivery,
    work: (headers: Record<string, string>) => Promise<Result>,
  ): Promise<Result>
  /** What the returned function does later belongs to the present span, wherever it is called. */
  bind(): WithinSpan
  /** W3C Trace Context of the present span. */
  traceparent(): string | undefined
}

// One for the process, like the log of an operating system: statements are sent by connections that Knex creates.
let active: Tracing | undefined

/** Undefined unless spans are exported: then nothing of the SDK of OpenTelemetry is loaded, and asking costs nothing. */
export const tracing = (): Tracing | undefined => active

export function useTracing(next: Tracing | undefined): void {
  active = next
}
