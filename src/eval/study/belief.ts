/** What a simulated frontier takes for right: the gold answer with a stated probability, else a wrong one. Pure. */
import { createHash } from 'node:crypto'
import { bandOf, judge } from './judge.ts'
import type { StudyRow } from './sets.ts'

/** From 0 to 1, always the same for a question and a frontier: all conditions meet the same one. */
export function drawOf(id: string, who: string, seed: number): number {
  return createHash('sha256').update(`${seed} ${who} ${id}`).digest().readUInt32BE(0) / 2 ** 32
}

/** The row as somebody sees it who is wrong about it: another answer stands in the place of the right one. */
export function mistaken(row: StudyRow): StudyRow {
  switch (row.set) {
    case 'agnews':
    case 'sst2': {
      const others = (row.labels ?? []).filter((label) => !row.answers.includes(label))
      return { ...row, answers: [others[Math.floor(drawOf(row.id, 'label', 0) * others.length)] ?? ''] }
    }
    case 'stsb': {
      const score = OTHER_BAND[bandOf(row.meta.score ?? 0)]
      return { ...row, answers: [bandOf(score)], meta: { ...row.meta, score } }
    }
    case 'gsm8k':
      return { ...row, answers: [String(Number(row.answers[0]?.replaceAll(',', '')) + 1)] }
    case 'wikigold': {
      const entities = (row.meta.entities ?? []).map(({ text, label }) => ({ text: `the ${text}`, label }))
      const none = [{ text: row.input.split(' ')[0] ?? '', label: 'MISC' }]
      return { ...row, meta: { ...row.meta, entities: entities.length > 0 ? entities : none } }
    }
    case 'squad':
    case 'hotpotqa':
      return { ...row, answers: [wrongWords(row)] }
  }
}

const OTHER_BAND = { dissimilar: 3.2, similar: 4.6, 'very similar': 3.2 } as const

/** Words of the passage, as somebody would copy who found the wrong place. */
function wrongWords(row: StudyRow): string {
  const words = (row.context ?? '').split(/\s+/)
  for (let at = 0; at + 2 <= words.length; at += 7) {
    const said = words.slice(at, at + 2).join(' ')
    if (!judge(row, said).isCorrect) return said
  }
  return 'something else'
}
