/** Volumes to start from, all with requests of 1,000 tokens in and 500 out at $3 a million, and the same mix. */
export const PLAN_PRESETS = {
  reference: { requestsPerDay: 100 },
  quiet: { requestsPerDay: 50 },
  busy: { requestsPerDay: 200 },
  heavy: { requestsPerDay: 500 },
} as const satisfies Readonly<Record<string, { readonly requestsPerDay: number }>>

export type PlanPreset = keyof typeof PLAN_PRESETS

export const PLAN_DEFAULTS = {
  inputTokens: 1000,
  outputTokens: 500,
  usdPerMillion: 3,
  mix: { fast: 40, quality: 35, frontier: 25 },
  /** Open models were reported to take 1.5 to 2 times as many tokens; it counts as soon as local tokens cost something. */
  localTokenFactor: 1.5,
  priceChanges: [-50, 50, 100],
} as const
