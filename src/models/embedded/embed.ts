import type { EmbedFrame } from '../../spec/ports.ts'
import { MAX_EMBED_TOKENS } from './embed-prompt.ts'
import { embedContextTokens } from './embedder.ts'
import { requireFit } from './generate.ts'
import type { Token } from './llama-types.ts'
import type { EmbedHostResult } from './protocol.ts'
import type { RunningModel } from './running-model.ts'

/**
 * The state of the model's last layer after a text, as one vector. The engine offers no pooling for causal models, so it
 * is that of the last token, at the end of a prompt that asks for the gist.
 *
 * @throws RouterError memory_no_fit, model_failed (too many wait); the signal's reason when aborted while waiting
 */
export async function embedText(
  running: RunningModel,
  { text, frame }: { readonly text: string; readonly frame: EmbedFrame },
  signal: AbortSignal,
): Promise<EmbedHostResult> {
  const pool = await running.embedder()
  const { prompt, isCut } = promptTokens(running, text, frame)
  return await pool.use(prompt, signal, async (context) => {
    signal.throwIfAborted()
    const { vector } = await context.getEmbeddingFor([...prompt])
    return {
      vector: [...vector],
      isCut,
      usage: { inputTokens: prompt.length, outputTokens: 0, source: 'reported' },
      quantisation: running.header.quantisation,
    }
  })
}

function promptTokens({ model, header, spec }: RunningModel, text: string, frame: EmbedFrame) {
  const [before, after] = [model.tokenize(frame.before), model.tokenize(frame.after)]
  const room = embedContextTokens(header) - before.length - after.length - 2
  const own = model.tokenize(text)
  const counted = own.slice(0, Math.min(MAX_EMBED_TOKENS, room))
  const prompt: readonly Token[] = [...before, ...counted, ...after]
  requireFit(prompt.length, embedContextTokens(header), spec.name)
  return { prompt, isCut: counted.length < own.length }
}
