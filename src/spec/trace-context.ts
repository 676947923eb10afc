/** A place in a trace, as the W3C headers of the same names say it. */
export interface TraceContext {
  /** `00-<32 hex>-<16 hex>-<2 hex>`; anything else is as if there was none. */
  readonly traceparent: string
  readonly tracestate?: string
}
