/** Span recall and the doubt of clauses in prose: the real model answers in sentences. */

import { splitClauses } from '../../src/decide/clauses.ts'
import { doubtIn } from '../../src/decide/doubt.ts'
import { findEntities } from '../../src/decide/entities.ts'
import { loadNounPhrases } from '../../src/decide/noun-phrases.ts'
import { splitSentences } from '../../src/decide/sentences.ts'
import { uncertainSpans } from '../../src/decide/uncertain-span.ts'
import { auroc } from '../../src/learn/quality.ts'
import type { TokenSignal } from '../../src/spec/decision.ts'
import type { CallLimits, ModelPort } from '../../src/spec/ports.ts'
import { percents, wilson } from '../tasks/metrics.ts'
import type { Question } from './oracle.ts'

/** The task's default. */
const ENTROPY_NATS = 0.8

/**
 * An answer is right when a right answer stands in it. The errors of a wrong one are its names and numbers that stand neither in the question nor in
 * a sentence of the text with a right answer in it: a rule by machine, not by people. A wrong answer without any is left out of the recall.
 */
export async function writtenReport(rows: readonly Question[], port: ModelPort): Promise<unknown> {
  const answerable = rows.filter(({ answers }) => answers.length > 0)
  const clauses: { probability: number; isCorrect: boolean }[] = []
  const means: { probability: number; isCorrect: boolean }[] = []
  const kinds: Record<string, number> = {}
  let [wrong, located, held, spansFound] = [0, 0, 0, 0]
  for (const row of answerable) {
    const { text, tokens, meanLogprob } = await sentence(row, port)
    const isCorrect = row.answers.some((answer) => text.toLowerCase().includes(answer.toLowerCase()))
    const most = splitClauses(text).map((clause) => doubtIn(clause, tokens).entropyNats)
    clauses.push({ probability: -Math.max(0, ...most), isCorrect })
    if (meanLogprob !== null) means.push({ probability: meanLogprob, isCorrect })
    if (isCorrect) continue
    wrong++
    const errors = errorsIn(text, row)
    const spans = await uncertainSpans(
      { text, tokens, isClosed: false, entropyNats: ENTROPY_NATS, most: 4 },
      loadNounPhrases,
    )
    for (const { kind } of spans) kinds[kind] = (kinds[kind] ?? 0) + 1
    if (spans.length > 0) spansFound++
    if (errors.length === 0) continue
    located++
    if (errors.some((error) => spans.some((span) => span.start < error.end && error.start < span.end))) held++
  }
  return {
    n: answerable.length,
    wrong,
    withSpan: spansFound,
    spanKinds: kinds,
    spanRecall: {
      share: located === 0 ? null : Math.round((1000 * held) / located) / 1000,
      n: located,
      interval: percents(wilson(held, located)),
    },
    aurocOfClauseTrigger: auroc(clauses),
    aurocOfMeanLogprob: auroc(means),
  }
}

async function sentence({ context, input }: Question, port: ModelPort) {
  const limits: CallLimits = {
    signal: new AbortController().signal,
    deadlines: { connectMs: 120_000, firstByteMs: 120_000, idleMs: 120_000, totalMs: 300_000 },
  }
  const content = `${context}\n\nQuestion: ${input}\nAnswer in one sentence.`
  const call = {
    messages: [{ role: 'user' as const, content }],
    stream: false,
    maxOutputTokens: 48,
    temperature: 0,
    tokenSignals: true as const,
  }
  let text = ''
  let tokens: readonly TokenSignal[] = []
  let meanLogprob: number | null = null
  for await (const event of port.generate(call, limits)) {
    if (event.type === 'text') text += event.delta
    if (event.type === 'finish') [tokens, meanLogprob] = [event.tokens ?? [], event.signals?.meanLogprob ?? null]
  }
  return { text, tokens, meanLogprob }
}

function errorsIn(text: string, { input, context, answers }: Question) {
  const sentences = splitSentences(context).map(({ start, end }) => context.slice(start, end))
  const known = [input, ...sentences.filter((one) => answers.some((answer) => one.includes(answer)))]
    .join('\n')
    .toLowerCase()
  const numbers = [...text.matchAll(/\d+(?:[.,]\d+)*/g)].map(({ index, 0: found }) => ({
    start: index,
    end: index + found.length,
    text: found,
  }))
  return [...findEntities(text), ...numbers].filter((piece) => !known.includes(piece.text.toLowerCase()))
}
