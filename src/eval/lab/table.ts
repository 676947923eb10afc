/** The table of methods over the known recordings. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { LabContext, LabRow } from './method.ts'
import { METHODS } from './methods.ts'
import { readRecording } from './recording.ts'
import { crossValidated, type LabScore, neededOf, scoreOf } from './run.ts'
import { SETTINGS } from './settings.ts'

export interface TableRequest {
  /** Folder of the recordings. */
  readonly data: string
  /** Folder of other rows of the same recordings, to be scored; then all rows of `data` are fitted on. */
  readonly test: string | null
  /** Names of recordings; all when empty. */
  readonly only: readonly string[]
  readonly seed: number
  readonly told: (score: LabScore) => void
}

/** One score for each setting and each method that applies; recordings that are absent are left out. */
export function labTable({ data, test, only, seed, told }: TableRequest): readonly LabScore[] {
  return SETTINGS.filter(({ recording }) => only.length === 0 || only.includes(recording)).flatMap((setting) => {
    const file = join(data, `${setting.recording}.jsonl.gz`)
    if (!existsSync(file)) return []
    const { models, rows } = readRecording(file)
    const context: LabContext = { setting, models }
    const held = test === null ? null : readRecording(join(test, `${setting.recording}.jsonl.gz`)).rows
    const fitRows = ofTable(held ? rows : rows.filter(({ split }) => split === 'train'))
    const scoreRows = ofTable(held ?? rows.filter(({ split }) => split !== 'train'))
    return METHODS.filter((method) => method.applies(context, rows)).map((method) => {
      const needed =
        setting.cv && !held
          ? crossValidated(ofTable(rows), { method, context, seed })
          : neededOf(scoreRows, { method, state: method.fit(fitRows, context, seed), context })
      const score = scoreOf(needed, { method: method.name, context, seed })
      told(score)
      return score
    })
  })
}

/** Of the five tasks with log-probabilities, one has its own answer format and is left out, as in the published figures. */
const LOGPROB_TASKS: ReadonlySet<string> = new Set(['mmlu_10k', 'cosmosqa_10k', 'hellaswag_10k', 'halu_dialogue'])

function ofTable(rows: readonly LabRow[]): readonly LabRow[] {
  return rows.filter(({ logprobs, task }) => logprobs === null || LOGPROB_TASKS.has(task))
}

/** As Markdown, best method of a setting in bold. */
export function tableMarkdown(scores: readonly LabScore[]): string {
  const head =
    '| recording | setting | method | n | APGR (95 %) | CPT50 | CPT80 | CPT95 | AUROC | oracle | headroom | local runs | p50, p99 ms |'
  const lines = scores.map((score) => {
    const best = scores
      .filter(({ recording, setting }) => recording === score.recording && setting === score.setting)
      .every(({ apgr }) => apgr <= score.apgr)
    const figure = `${score.apgr.toFixed(3)} (${score.ci.map((end) => end.toFixed(3)).join(' to ')})`
    const cells = [
      score.recording,
      score.setting,
      score.method,
      String(score.n),
      best ? `**${figure}**` : figure,
      ...[score.cpt50, score.cpt80, score.cpt95].map((cpt) => cpt.toFixed(1)),
      score.auroc?.toFixed(2) ?? '',
      score.oracle.toFixed(2),
      score.headroom.toFixed(2),
      score.localRunsPerRequest.toFixed(2),
      `${score.decisionMsP50.toFixed(2)}, ${score.decisionMsP99.toFixed(2)}`,
    ]
    return `| ${cells.join(' | ')} |`
  })
  return [head, head.replace(/[^|]+/g, ' --- '), ...lines].join('\n')
}
