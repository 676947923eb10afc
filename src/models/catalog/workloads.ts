export const WORKLOADS = ['edge', 'volume', 'frontier_class', 'long_context', 'coding', 'hosted'] as const

/** What a local model is meant to take over. */
export type Workload = (typeof WORKLOADS)[number]

/** By parameters: up to 14 billion run on a laptop, 30 to 70 billion want a workstation GPU, more are rented. */
export type HardwareClass = 'laptop' | 'workstation_gpu' | 'hosted'

export interface WorkloadRow {
  readonly name: Workload
  readonly title: string
  /** About what a typical model takes in Q4_K_M before any context, in 10⁹ bytes; null when none is typical. */
  readonly typicalGigabytes: number | null
  readonly machine: string
  /** The class of cloud model whose work it takes over; a class of work, not a benchmark result. Null: none. */
  readonly replaces: string | null
}

/** Said beside every `replaces`. */
export const REPLACES_MEANS =
  'replaces names the class of work, not a benchmark result: measure with your own tasks before you switch'

/** The swap table, from small to large. */
export const WORKLOAD_ROWS: readonly WorkloadRow[] = [
  {
    name: 'edge',
    title: 'edge, always on',
    typicalGigabytes: 3,
    machine: 'any laptop with 8 GB',
    replaces: null,
  },
  {
    name: 'volume',
    title: 'many small tasks',
    typicalGigabytes: 5.5,
    machine: 'any recent laptop, 16 GB',
    replaces: 'small cloud models (Claude Haiku class)',
  },
  {
    name: 'frontier_class',
    title: 'hard single tasks',
    typicalGigabytes: 19,
    machine: 'laptop with 32 GB, or a GPU with 24 GB',
    replaces: 'mid-size cloud models (Claude Sonnet class)',
  },
  {
    name: 'long_context',
    title: 'long documents',
    typicalGigabytes: 42,
    machine: '64 GB or more',
    replaces: 'large cloud models (GPT-4 class)',
  },
  {
    name: 'coding',
    title: 'code',
    typicalGigabytes: 19,
    machine: 'laptop with 32 GB, or a GPU with 24 GB',
    replaces: 'coding work of mid-size cloud models (Claude Sonnet class)',
  },
  {
    name: 'hosted',
    title: 'too large for one machine',
    typicalGigabytes: null,
    machine: 'a server with several GPUs',
    replaces: null,
  },
]
