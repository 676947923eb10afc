/** The adviser as a tool of a local model that drives an agent: the router executes it, and the caller's own tools stay the caller's. */
import type { RouterError } from '../spec/errors.ts'
import type { Message, RouterRequest, ToolCall, ToolDefinition } from '../spec/request.ts'
import type { AdviceGiven } from '../spec/response.ts'
import { BINDING_WORDS, planRequest } from './advice.ts'
import type { Consultations } from './consultations.ts'
import type { Asked, PatternInput, PatternTools } from './pattern.ts'
import type { Draft } from './stand-in.ts'

/** The name that the tool has in the Messages API, too. */
export const ADVISOR_TOOL: ToolDefinition = {
  name: 'advisor',
  description:
    'Ask a stronger adviser, who has read the whole conversation, for a plan. Call it before work that is hard to undo, when you are stuck, and before you say that the work is done.',
  parameters: {
    type: 'object',
    properties: { question: { type: 'string', description: 'What you want to know.' } },
    additionalProperties: false,
  },
}

/** Whether the local model of a request gets the tool. A tool of the caller's own with that name stays what it is. */
export function drivesAgent({ request }: PatternInput): boolean {
  const own = request.tools ?? []
  return (own.length > 0 || request.advisor !== undefined) && !own.some(({ name }) => name === ADVISOR_TOOL.name)
}

/** The local answer, after all the advice that the model asked for. Throws what `tools.ask` throws. */
export async function drivenDraft(
  input: PatternInput,
  tools: PatternTools,
  consultations: Consultations,
): Promise<{ readonly draft: Draft; readonly given: readonly AdviceGiven[] }> {
  const given: AdviceGiven[] = []
  let { messages } = input.request
  let isAway = false
  while (true) {
    const isOffered = !isAway && consultations.areLeft()
    const asked = await tools.ask('local', requestWith(input.request, messages, isOffered), 'held')
    const call = asked.answer.toolCalls.find(({ name }) => name === ADVISOR_TOOL.name)
    if (!call || !isOffered) {
      const own = withoutCalls(asked)
      return { draft: { asked: own, verdicts: await tools.check(own, given.length > 0 ? 'advised' : 'alone') }, given }
    }
    const one = await advised(input, consultations, { call, given })
    isAway = one.failure !== null
    given.push(one)
    messages = [...messages, ...exchangeOf(asked, call, one)]
  }
}

function requestWith(request: RouterRequest, messages: readonly Message[], isOffered: boolean): RouterRequest {
  const own = request.tools ?? []
  return {
    ...request,
    messages,
    ...((isOffered || own.length > 0) && { tools: isOffered ? [...own, ADVISOR_TOOL] : own }),
  }
}

async function advised(
  { request, task }: PatternInput,
  consultations: Consultations,
  { call, given }: { readonly call: ToolCall; readonly given: readonly AdviceGiven[] },
): Promise<AdviceGiven> {
  const question = questionOf(call)
  const told = given.flatMap(({ text }) => (text === null ? [] : `You told it before:\n${text}`))
  const wanted = question === '' ? [] : [`It asks, between the marks:\n<<<question\n${question}\nquestion>>>`]
  const found = await consultations.plan(planRequest(request, task, [...told, ...wanted]))
  if ('failure' in found) return { question, text: null, failure: failureOf(found.failure), isCut: false }
  if (found.advice.plan === '') return { question, text: null, failure: 'unavailable', isCut: false }
  return { question, text: found.advice.plan, failure: null, isCut: found.isCut }
}

/** Models write arguments in their own way; what is no object with a question is the question. */
function questionOf({ arguments: text }: ToolCall): string {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value !== 'object' || value === null) return String(value)
    const { question } = value as Readonly<Record<string, unknown>>
    return typeof question === 'string' ? question : ''
  } catch {
    return text
  }
}

function failureOf({ code }: RouterError): NonNullable<AdviceGiven['failure']> {
  if (code === 'model_rate_limited') return 'too_many_requests'
  return code === 'model_timeout' ? 'execution_time_exceeded' : 'unavailable'
}

/** Other calls of the same turn are dropped: the model decides anew once it has read the advice. */
function exchangeOf(asked: Asked, call: ToolCall, { text }: AdviceGiven): readonly Message[] {
  const id = call.id || 'advisor'
  return [
    { role: 'assistant', content: asked.answer.text, toolCalls: [{ ...call, id }] },
    text === null
      ? { role: 'tool', toolCallId: id, content: 'The adviser cannot be reached. Go on alone.', isError: true }
      : { role: 'tool', toolCallId: id, content: `${BINDING_WORDS}\n\n${text}` },
  ]
}

function withoutCalls(asked: Asked): Asked {
  const { answer } = asked
  const toolCalls = answer.toolCalls.filter(({ name }) => name !== ADVISOR_TOOL.name)
  if (toolCalls.length === answer.toolCalls.length) return asked
  const finishReason = toolCalls.length === 0 && answer.finishReason === 'tool_calls' ? 'stop' : answer.finishReason
  return { ...asked, answer: { ...answer, toolCalls, finishReason } }
}
