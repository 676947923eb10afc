/** Which pairs of models the table compares, and what each made of a row. */
import type { LabContext, LabRow, LabSetting } from './method.ts'
import type { Routed } from './metrics.ts'

const MIXTRAL = 'mistralai/Mixtral-8x7B-Instruct-v0.1'
const GPT_4 = 'gpt-4-1106-preview'
const SMALL_PEERS = ['gemma-2-9b-it', 'Qwen2-7B-Instruct', 'Phi-3.5-mini-instruct']
const QWEN_PEERS = ['Qwen2.5-3B-Instruct', 'Meta-Llama-3.1-8B-Instruct', 'gemma-2-9b-it']
const CLAUDE = 'claude-3-5-sonnet-20240620'

const before = { kind: 'before', task: 'hidden', peers: [] } as const
const after = { kind: 'after', task: 'hidden' } as const

/** The rows of `spillway lab table`. `cv`: the recording is small, so it is scored by repeated cross-validation. */
export const SETTINGS: readonly (LabSetting & { readonly cv: boolean })[] = [
  { name: 'question only', recording: 'routellm_mmlu', local: MIXTRAL, frontier: GPT_4, ...before, cv: false },
  {
    name: 'task given',
    recording: 'routellm_mmlu',
    local: MIXTRAL,
    frontier: GPT_4,
    ...before,
    task: 'given',
    cv: false,
  },
  { name: 'answer text', recording: 'routellm_gsm8k', local: MIXTRAL, frontier: GPT_4, ...after, peers: [], cv: true },
  {
    name: 'up to 2 peers',
    recording: 'zeroeval_gsm',
    local: 'Meta-Llama-3.1-8B-Instruct',
    frontier: 'claude-3-5-sonnet-20241022',
    ...after,
    peers: SMALL_PEERS.slice(0, 2),
    cv: false,
  },
  {
    name: '1 peer',
    recording: 'zeroeval_gsm',
    local: 'Meta-Llama-3.1-8B-Instruct',
    frontier: 'claude-3-5-sonnet-20241022',
    ...after,
    peers: SMALL_PEERS.slice(0, 1),
    cv: false,
  },
  {
    name: '3 peers',
    recording: 'mmlu_pro',
    local: 'Meta-Llama-3_1-8B-Instruct',
    frontier: 'gemini-1.5-pro-002',
    ...after,
    task: 'given',
    peers: ['mathstral-7B', 'Phi-3-mini-4k-instruct', 'Mistral-7B-Instruct-v0.2'],
    cv: false,
  },
  {
    name: '3 peers',
    recording: 'zeroeval_crux',
    local: 'Qwen2.5-7B-Instruct',
    frontier: 'o1-mini-2024-09-12',
    ...after,
    peers: QWEN_PEERS,
    cv: true,
  },
  {
    name: '3 peers',
    recording: 'zeroeval_math_l5',
    local: 'Qwen2.5-7B-Instruct',
    frontier: 'o1-mini-2024-09-12',
    ...after,
    peers: QWEN_PEERS,
    cv: true,
  },
  {
    name: 'own log-probs',
    recording: 'llmub_logits',
    local: 'Qwen-7B',
    frontier: 'Yi-34B',
    ...after,
    task: 'given',
    peers: [],
    cv: false,
  },
  {
    name: 'own log-probs, 1 peer',
    recording: 'llmub_logits',
    local: 'Qwen-7B',
    frontier: 'Yi-34B',
    ...after,
    task: 'given',
    peers: ['Yi-6B'],
    cv: false,
  },
  ...['NousResearch_Hermes-2-Pro-Mistral-7B', 'Salesforce_xLAM-1b-fc-r', 'meta-llama_Meta-Llama-3-8B-Instruct'].map(
    (local) => ({
      name: `task given, ${local}`,
      recording: 'bfcl',
      local,
      frontier: CLAUDE,
      ...before,
      task: 'given' as const,
      cv: false,
    }),
  ),
]

/**
 * What both made of a row. Where only log-probabilities are recorded, local is right when its best option is the
 * frontier's: fidelity, not truth.
 */
export function outcomeOf(row: LabRow, { setting, models }: LabContext): Omit<Routed, 'need'> {
  const [local, frontier] = [models.indexOf(setting.local), models.indexOf(setting.frontier)]
  if (row.logprobs)
    return { local: bestOf(row.logprobs[local]) === bestOf(row.logprobs[frontier]) ? 1 : 0, frontier: 1 }
  return { local: row.scores[local] ?? 0, frontier: row.scores[frontier] ?? 0 }
}

export function bestOf(logprobs: readonly number[] = []): number {
  return logprobs.indexOf(Math.max(...logprobs))
}
