/** What a made-up application is, and the traffic of several. */

export interface MadeUpApplication {
  readonly app: string
  readonly kind: string
  readonly labels?: readonly string[]
  /** The body of the request with this number. */
  readonly body: (at: number) => Readonly<Record<string, unknown>>
  readonly wire?: 'openai' | 'anthropic'
  readonly answer?: (at: number) => string
}

export interface MadeUpRow {
  readonly id: string
  readonly app: string
  readonly wire?: string
  readonly body: Readonly<Record<string, unknown>>
  readonly response?: Readonly<Record<string, unknown>>
}

/** Rows of all applications, mixed; each with as many requests as asked. */
export function madeUpTraffic(each: number, from: readonly MadeUpApplication[]): readonly MadeUpRow[] {
  return Array.from({ length: each }, (_, at) =>
    from.map(
      ({ app, body, wire, answer }): MadeUpRow => ({
        id: `${app}-${at}`,
        app,
        ...(wire && { wire }),
        body: body(at),
        ...(answer && { response: { choices: [{ message: { role: 'assistant', content: answer(at) } }] } }),
      }),
    ),
  ).flat()
}
