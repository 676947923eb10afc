import { describe, expect, it } from 'vitest'
import { drawOf, mistaken } from '../../../src/eval/study/belief.ts'
import { judge } from '../../../src/eval/study/judge.ts'
import { STUDY_SETS, type StudyRow } from '../../../src/eval/study/sets.ts'
import { type SimulatedFrontier, simulatedFrontier } from '../../../src/eval/study/simulated-frontier.ts'
import { BINDING_WORDS, REVIEW_WORDS } from '../../../src/patterns/advice.ts'
import { FROM_PASSAGE } from '../../../src/patterns/buddy-question.ts'
import { VERDICT_WORDS } from '../../../src/patterns/draft-verify.ts'
import type { CallLimits } from '../../../src/spec/ports.ts'
import { row } from './rows.ts'

const PASSAGE = 'The canal was dug in 1869. The company sat in Paris.'
const ROWS: Readonly<Record<(typeof STUDY_SETS)[number], StudyRow>> = {
  agnews: row('agnews', { answers: ['World'], labels: ['World', 'Sports', 'Business'] }),
  sst2: row('sst2', { answers: ['positive'], labels: ['positive', 'negative'] }),
  stsb: row('stsb', { answers: ['similar'], meta: { score: 3 } }),
  gsm8k: row('gsm8k', { answers: ['12'], meta: { solution: 'It is <<3*4=12>>12.\n#### 12' } }),
  wikigold: row('wikigold', { input: 'Ann left', meta: { entities: [{ text: 'Ann', label: 'PER' }] } }),
  squad: row('squad', { context: PASSAGE, answers: ['1869'] }),
  hotpotqa: row('hotpotqa', { context: PASSAGE, answers: ['Paris'], meta: { supporting: ['A', 'B'] } }),
}
const LIMITS: CallLimits = {
  signal: new AbortController().signal,
  deadlines: { connectMs: 1, firstByteMs: 1, idleMs: 1, totalMs: 1 },
}

async function said(current: StudyRow, prompt: string, change: Partial<SimulatedFrontier> = {}): Promise<string> {
  const port = simulatedFrontier({
    ...{ name: 'frontier', mind: 'frontier', model: 'm', current: () => current, accuracy: 1, closedBookAccuracy: 0 },
    ...{ recorded: () => null, seed: 1 },
    estimate: () => ({ inputTokens: 1, outputTokens: 1, source: 'estimated' }),
    ...change,
  })
  let text = ''
  for await (const event of port.generate({ messages: [{ role: 'user', content: prompt }], stream: false }, LIMITS))
    if (event.type === 'text') text += event.delta
  return text
}

describe('a simulated frontier', () => {
  it.each(STUDY_SETS)('is right on %s when it is right, and wrong when it is not', async (set) => {
    const current = ROWS[set]
    const prompt = `${current.context ?? ''}\n${current.input}`
    expect(judge(current, await said(current, prompt)).isCorrect).toBe(true)
    expect(judge(current, await said(current, prompt, { accuracy: 0 })).isCorrect).toBe(false)
    expect(judge(current, await said(mistaken(current), prompt)).isCorrect).toBe(false)
  })

  it('is right as often as it is said to be, always on the same questions', () => {
    const draws = Array.from({ length: 4000 }, (_, id) => drawOf(String(id), 'frontier', 1))
    const share = draws.filter((draw) => draw < 0.95).length / draws.length
    expect(Math.abs(share - 0.95)).toBeLessThan(0.02)
    expect(drawOf('7', 'frontier', 1)).toBe(draws[7])
    expect(drawOf('7', 'cheap', 1)).not.toBe(draws[7])
  })

  it('passes the verdict on a draft that follows from its belief, right or wrong', async () => {
    const prompt = (draft: string) => `a question\n<<<draft\n${draft}\ndraft>>>\n\n${VERDICT_WORDS}`
    expect(await said(ROWS.agnews, prompt('World'))).toBe('ACCEPT')
    expect(await said(ROWS.agnews, prompt('Sports'))).toBe('REJECT')
    expect(await said(ROWS.agnews, prompt('World'), { accuracy: 0 })).toBe('REJECT')
  })

  it('advises from what it was sent: without the document it knows less', async () => {
    const prompt = (document: string) => `${document}\n<<<answer\n1869\nanswer>>>\n\n${REVIEW_WORDS}`
    expect(await said(ROWS.squad, prompt(PASSAGE))).toBe('APPROVE')
    expect(await said(ROWS.squad, prompt(''))).toMatch(/^REDO\n1\. .*is The canal/)
  })

  it('answers about a span only from the passage, and from all paragraphs that the answer follows from', async () => {
    const prompt = (passage: string) => `${FROM_PASSAGE}\nQuestion: q\nDoubtful: x\nPassage:\n${passage}`
    expect(JSON.parse(await said(ROWS.squad, prompt(PASSAGE)))).toEqual({ value: '1869', evidence: '1869', at: 21 })
    expect(JSON.parse(await said(ROWS.squad, prompt('Nothing is here.')))).toMatchObject({ value: null })
    expect(JSON.parse(await said(ROWS.hotpotqa, prompt(`[A]\n${PASSAGE}`)))).toMatchObject({ value: null })
    expect(JSON.parse(await said(ROWS.hotpotqa, prompt(`[A]\n[B]\n${PASSAGE}`)))).toMatchObject({ value: 'Paris' })
  })

  it('corrects the end of a calculation, and no step before it', async () => {
    const prompt = (draft: string) => `Question: q\nDraft: ${draft}\nDoubtful: 9`
    expect(JSON.parse(await said(ROWS.gsm8k, prompt('3 * 3 is [[9]].')))).toEqual({ value: '12' })
    expect(JSON.parse(await said(ROWS.gsm8k, prompt('3 * 3 is [[9]], so 10.')))).toMatchObject({ value: null })
  })

  it('says what a plan says, whatever it takes for right itself', async () => {
    const plan = await said(ROWS.agnews, `<<<answer\nSports\nanswer>>>\n\n${REVIEW_WORDS}`)
    const bound = `${BINDING_WORDS}\n\n${plan.replace(/^REDO\n/, '')}`
    expect(await said(ROWS.agnews, bound, { name: 'cheap', mind: 'cheap', accuracy: 0 })).toBe('World')
  })

  it('gives a recorded answer in place of a drawn one', async () => {
    expect(await said(ROWS.gsm8k, 'q', { recorded: () => '13' })).toMatch(/Answer: 13$/)
  })
})
