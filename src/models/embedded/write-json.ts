import { requireFit } from './generate.ts'
import { JsonCursor } from './json-cursor.ts'
import { planSchema } from './json-schema.ts'
import { JsonWriter } from './json-writer.ts'
import { chatTokens } from './prompt.ts'
import type { WriteJsonHostResult, WriteJsonParams } from './protocol.ts'
import type { RunningModel } from './running-model.ts'
import { textSignals } from './signals.ts'

/**
 * Writes one JSON value of a schema as the answer to a chat prompt. Brackets, names and commas are written by us; only
 * the leaves, and what the schema leaves open about the shape, are read from the model. Every probability is one over
 * the whole vocabulary: nothing is masked before it is read.
 *
 * The text may break keywords that say nothing about the shape (`pattern`, `format`, ranges); validate it afterwards.
 *
 * @throws RouterError request_invalid when the schema cannot be written or the prompt does not fit the context; the
 * signal's reason when aborted
 */
export async function writeJson(
  running: RunningModel,
  params: WriteJsonParams,
  signal: AbortSignal,
): Promise<WriteJsonHostResult> {
  const plan = planSchema(params.schema)
  const prompt = chatTokens(running.model, running.wrapper, params.turns)
  const { contextTokens, name } = params.model
  requireFit(prompt.length, contextTokens, name)
  return await running.pool.use(prompt, signal, async (sequence) => {
    const limit = Math.min(params.maxOutputTokens, contextTokens - prompt.length)
    const cursor = new JsonCursor({ running, sequence, prompt, limit, signal })
    const writer = new JsonWriter(cursor)
    await writer.write(plan)
    cursor.settle()
    const mode = { pass: 'decode', fullDistribution: true, vocabulary: running.vocabulary } as const
    return {
      text: cursor.text,
      finishReason: cursor.isFull ? 'length' : 'stop',
      leaves: writer.leaves,
      signals: textSignals(writer.readings, mode),
      usage: { inputTokens: prompt.length, outputTokens: cursor.outputTokens, source: 'reported' },
      quantisation: running.header.quantisation,
    }
  })
}
