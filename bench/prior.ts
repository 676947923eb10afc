/**
 * `npm run bench:prior -- [--json] [--data DIR]`: whether a prior would be switched on for recorded pairs of models, and how
 * long it takes, as JSON. A local answer counts as accepted when it was right; both models take the same time.
 */
import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { type PriorRow, priorFrom } from '../src/eval/fit-prior.ts'
import { readRecording } from '../src/eval/lab/recording.ts'
import { openPrior } from '../src/learn/prior.ts'

const { values } = parseArgs({
  options: {
    data: { type: 'string', default: resolve(import.meta.dirname, '../../shared/data/routing') },
    json: { type: 'boolean' },
  },
})
const PAIRS = [
  ['routellm_mmlu', 'mistralai/Mixtral-8x7B-Instruct-v0.1'],
  ['mmlu_pro', 'Meta-Llama-3_1-8B-Instruct'],
  ['zeroeval_gsm', 'Meta-Llama-3.1-8B-Instruct'],
  ['zeroeval_crux', 'Qwen2.5-7B-Instruct'],
  ['bfcl', 'NousResearch_Hermes-2-Pro-Mistral-7B'],
  ['bfcl', 'Salesforce_xLAM-1b-fc-r'],
  ['bfcl', 'meta-llama_Meta-Llama-3-8B-Instruct'],
] as const
const SETTINGS = { margin: 0.1, maxLost: 0.02 }
const MS = 1000

process.stdout.write(
  `${JSON.stringify(
    PAIRS.flatMap(([name, model]) => reportOf(name, model)),
    null,
    2,
  )}\n`,
)

function reportOf(name: string, model: string): readonly object[] {
  const file = join(values.data, `${name}.jsonl.gz`)
  if (!existsSync(file)) return [{ recording: name, model, reason: `there is no ${file}` }]
  const rows = rowsOf(file, model)
  const setting = { task: name, settings: SETTINGS, overall: null, version: 1, now: '', frontierMs: MS }
  const { prior, why } = priorFrom(rows, setting)
  if (!prior) return [{ recording: name, model, n: rows.length, isUsed: false, why }]
  const predict = openPrior(prior.model)
  const times = rows
    .map((row) => {
      const started = performance.now()
      predict(row)
      return performance.now() - started
    })
    .toSorted((a, b) => a - b)
  const at = (share: number): number => Number((times[Math.floor(share * (times.length - 1))] ?? 0).toFixed(3))
  const accuracy = rows.filter(({ isAccepted }) => isAccepted).length / rows.length
  return [
    {
      recording: name,
      model,
      accuracy,
      ...prior.proof,
      isUsed: why === null,
      why,
      decisionMsP50: at(0.5),
      decisionMsP99: at(0.99),
    },
  ]
}

function rowsOf(file: string, model: string): readonly PriorRow[] {
  const { models, rows } = readRecording(file)
  const at = models.indexOf(model)
  return rows.map(({ id, question, functions, scores }) => {
    const text = functions === null ? question : `${question}\n${functions}`
    const figures = [Math.log1p(text.length), Math.log1p(1), functions === null ? 0 : 1, 0, 0, 0, 0]
    return { id, text, figures, isAccepted: (scores[at] ?? 0) >= 0.5, model, localMs: MS }
  })
}
