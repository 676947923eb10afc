/** How hard a model shall think, in the words of the Messages API. Pure. */
import { BUDGETS, thinks } from '../spec/translation-openai.ts'
import type { JsonObject } from './http-model.ts'

/**
 * The body with the effort of a caller's OpenAI body as a budget of thought, where the model takes one, the answer has room for it and
 * nothing else in the request forbids it; `notCarried` tells of it in the same cases.
 */
export function withThinking(body: JsonObject, caller: JsonObject | undefined, model: string): JsonObject {
  if (caller === undefined || !thinks(caller, model)) return body
  const budget = BUDGETS[String(caller.reasoning_effort)] ?? 0
  // With thinking the API takes no temperature but 1, and no top_p below .95.
  const { temperature: _, top_p: __, ...rest } = body
  return { ...rest, thinking: { type: 'enabled', budget_tokens: Math.min(budget, Number(body.max_tokens) - 1) } }
}
