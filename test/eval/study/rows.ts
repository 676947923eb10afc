import type { StudyRow, StudySet } from '../../../src/eval/study/sets.ts'
import type { StudyResult } from '../../../src/eval/study/study-row.ts'

export function row(set: StudySet, change: Partial<StudyRow> = {}): StudyRow {
  return { set, id: `${set}-1`, input: 'a question', answers: [], meta: {}, ...change }
}

export function result(change: Partial<StudyResult> = {}): StudyResult {
  return {
    ...{ set: 'agnews', id: '1', condition: 'local_only', isCorrect: false, f1: null, em: null, entities: null },
    ...{ said: null, answer: 'x', route: 'local', reason: null, error: null, frontierCalls: 0 },
    ...{ frontierInputTokens: 0, frontierOutputTokens: 0, costUsd: 0, latencyMs: 10, localMs: 10 },
    ...change,
  }
}
