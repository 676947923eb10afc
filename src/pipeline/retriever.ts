/** Passages found for a pattern; vectors are the local model's own. */
import {
  type Embed,
  embeddingRetriever,
  hybridRetriever,
  lexicalRetriever,
  type Retriever,
  type RetrieverName,
} from '../decide/windows.ts'
import type { Message } from '../spec/request.ts'
import { ask } from './attempt.ts'
import type { AskContext, Reader } from './exchange.ts'
import { readVectors } from './vectors.ts'

/** Where the local model gives no vectors, or cannot be asked, words alone decide; the attempt on record says why. */
export function retrieverFor(context: AskContext, name: RetrieverName): Retriever {
  if (name === 'lexical') return lexicalRetriever
  const embed = embedWith(context)
  if (embed === null) return lexicalRetriever
  const own = name === 'embedding' ? embeddingRetriever(embed) : hybridRetriever(embed)
  return async (query, texts, byWords) => {
    try {
      return await own(query, texts, byWords)
    } catch (error) {
      if (context.signal.aborted) throw error
      return byWords(query)
    }
  }
}

/** All texts are one call, which stands in `attempts`; null when no local model gives vectors. */
function embedWith(context: AskContext): Embed | null {
  const { run, deps } = context
  const models = run.decision.local.filter((model) => deps.roster.port(model, { lane: 0, adapter: undefined }).embed)
  if (models.length === 0) return null
  return async (texts) => {
    const messages = texts.map((content): Message => ({ role: 'user', content }))
    const own: AskContext = { ...context, purpose: 'retrieval', run: { ...run, localModel: null, reading: null } }
    const read: Reader = (exchange, limits) =>
      readVectors({ ...exchange, run: { ...exchange.run, request: { messages } } }, limits)
    const { answer } = await ask(own, 'local', { request: { messages }, delivery: 'held', models, prompt: 'own', read })
    return answer.vectors?.values ?? []
  }
}
