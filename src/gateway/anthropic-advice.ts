/** What a local model was told by its adviser, as blocks of the Messages API: the same that a provider with the tool sends. */
import type { AdviceGiven } from '../spec/response.ts'

/** @param requestId makes the ids of the calls differ from those of other answers in a conversation */
export function adviceBlocks(
  advice: readonly AdviceGiven[] | undefined,
  requestId: string,
): readonly Readonly<Record<string, unknown>>[] {
  return (advice ?? []).flatMap((given, index) => {
    const id = `srvtoolu_${requestId.replace(/[^A-Za-z0-9_]/g, '')}_${index}`
    return [
      {
        type: 'server_tool_use',
        id,
        name: 'advisor',
        input: given.question === '' ? {} : { question: given.question },
      },
      { type: 'advisor_tool_result', tool_use_id: id, content: resultOf(given) },
    ]
  })
}

function resultOf({ text, failure, isCut }: AdviceGiven): Readonly<Record<string, unknown>> {
  if (text === null) return { type: 'advisor_tool_result_error', error_code: failure ?? 'unavailable' }
  return { type: 'advisor_result', text, stop_reason: isCut ? 'max_tokens' : 'end_turn' }
}
