import type { Span } from '../../spec/ports.ts'
import { copyPrompt, NO_ANSWER } from './copy-prompt.ts'
import { copyRuns } from './copy-runs.ts'
import { searchCopies } from './copy-search.ts'
import { holdPrefix, requireFit } from './generate.ts'
import type { LlamaModel, Token } from './llama-types.ts'
import type { ExtractHostResult, ExtractParams } from './protocol.ts'
import type { RunningModel } from './running-model.ts'
import { textSignals } from './signals.ts'

/**
 * Answers a question by words of the passage only: the probability of every copy that is worth looking at, read after a
 * few-shot prompt, and that of the shots' way to say that there is no answer. Probabilities are over the whole
 * vocabulary and not normalised by length: the end of the answer is part of them, which is what makes lengths comparable.
 *
 * @throws RouterError request_invalid when the prompt does not fit the context; the signal's reason when aborted
 */
export async function extractSpan(
  running: RunningModel,
  params: ExtractParams,
  signal: AbortSignal,
): Promise<ExtractHostResult> {
  const { model, spec } = running
  const prompt = copyPrompt(model, params)
  requireFit(prompt.tokens.length + MAX_SPAN_TOKENS, spec.contextTokens, spec.name)
  const runs = copyRuns(model, params.passage, MAX_SPAN_TOKENS)
  const noAnswer = model.tokenize(` ${NO_ANSWER}`)
  const found = await running.pool.use(prompt.tokens, signal, async (sequence) => {
    await holdPrefix(running, sequence, { prefix: prompt.prefix, signal })
    return await searchCopies({ sequence, prompt: prompt.tokens, runs, endings: endingsOf(model), noAnswer, signal })
  })
  const mode = { pass: 'batch', fullDistribution: true, vocabulary: running.vocabulary } as const
  return {
    spans: found.spans.slice(0, MAX_SPANS).map(({ start, end, logprob }): Span => {
      return { start, end, text: params.passage.slice(start, end), logprob }
    }),
    noAnswerLogprob: found.noAnswerLogprob,
    signals: textSignals(found.spans[0]?.readings ?? [], mode),
    usage: { inputTokens: prompt.tokens.length, outputTokens: found.evaluated, source: 'reported' },
    quantisation: running.header.quantisation,
  }
}

/** Answers that stand word for word in a text are short; a longer one is a summary. */
const MAX_SPAN_TOKENS = 32
/** Enough for a choice by further evidence; at 60 bytes each a few kilobytes on the wire. */
const MAX_SPANS = 64

/** The tokens a line may end with: vocabularies differ in whether an empty line is one token or two. */
function endingsOf(model: LlamaModel): readonly Token[] {
  return [...new Set(['\n', '\n\n'].flatMap((text) => model.tokenize(text).slice(0, 1)))]
}
