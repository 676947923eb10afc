/** What somebody who looks at a local answer is shown: all that the local model saw, and the answer. */
import { isTypedDecision } from '../gates/gate.ts'
import type { TaskPolicy } from '../spec/policy.ts'
import { optionsOf } from '../spec/policy-problems.ts'
import type { Message, RouterRequest } from '../spec/request.ts'
import type { Asked } from './pattern.ts'

/**
 * The caller's messages as they came, documents and images included, so that a provider's cache of them stays warm, and one message
 * behind them. The tools stay, since messages may name them; format and sampling of the answer do not hold for the review.
 */
export function reviewRequest(request: RouterRequest, task: TaskPolicy, words: readonly string[]): RouterRequest {
  const { messages, tools, metadata } = request
  const instruction = instructionOf(request, task)
  const own: Message = { role: 'user', content: [...(instruction ? [instruction] : []), ...words].join('\n\n') }
  return { messages: [...messages, own], temperature: 0, ...(tools && { tools }), ...(metadata && { metadata }) }
}

/** The answer as the reviewer reads it: its tool calls stand in it as JSON. */
export function shownAnswer({ answer }: Asked): string {
  const calls = answer.toolCalls.map(({ name, arguments: given }) => `Tool call: ${name} ${given}`)
  const text = [answer.text, ...calls].filter((part) => part.trim() !== '').join('\n')
  return text === '' ? '(nothing)' : text
}

/** What the local model was told that does not stand in the caller's messages. */
function instructionOf({ messages }: RouterRequest, task: TaskPolicy): string | null {
  const options = isTypedDecision(task.kind) ? optionsOf(task) : null
  const hasOwn = messages.some(({ role }) => role === 'system' || role === 'developer')
  const told = hasOwn ? undefined : (task.prompt.system ?? task.description)
  const lines = [
    ...(told === undefined ? [] : [`The task: ${told}`]),
    ...(options ? [`The answer has to be exactly one of: ${options.join(', ')}.`] : []),
  ]
  return lines.length === 0 ? null : lines.join('\n')
}
