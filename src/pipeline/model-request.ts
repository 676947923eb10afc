/** What each kind of model is given: the local one its own prompt, the frontier the caller's. */
import { typedInstruction } from '../patterns/packet.ts'
import type { Message, RouterRequest } from '../spec/request.ts'
import type { RosterModel } from './roster.ts'
import type { Run } from './run.ts'

export function requestFor(run: Run, model: RosterModel, request: RouterRequest): RouterRequest {
  const withSchema =
    run.task.schema && !request.responseSchema ? { ...request, responseSchema: run.task.schema } : request
  return model.policy.tier === 'frontier' ? forFrontier(run, withSchema) : forLocal(run, withSchema)
}

/** A typed task whose caller wrote no instructions gets the bounded question; everything else travels unchanged. */
function forFrontier(run: Run, request: RouterRequest): RouterRequest {
  if (!run.options || hasInstructions(request)) return request
  const instruction: Message = { role: 'system', content: typedInstruction(run.task, run.options) }
  return { ...request, messages: [instruction, ...request.messages] }
}

/** The task's own prompt and shots for the local model replace the caller's instructions, which were written for another. */
function forLocal(run: Run, request: RouterRequest): RouterRequest {
  const { wire: _, ...own } = request
  const { system, shots } = run.task.prompt
  if (system === undefined && shots.length === 0) return withSchemaText(own)
  const instructions = own.messages.filter((message) => isInstruction(message))
  const conversation = own.messages.filter((message) => !isInstruction(message))
  const head: readonly Message[] = system === undefined ? instructions : [{ role: 'system', content: system }]
  const worked = shots.flatMap((shot): readonly Message[] => [
    { role: 'user', content: shot.input },
    { role: 'assistant', content: shot.output },
  ])
  return withSchemaText({ ...own, messages: [...head, ...worked, ...conversation] })
}

function withSchemaText(request: RouterRequest): RouterRequest {
  if (!request.responseSchema) return request
  const schema =
    request.responseSchema === 'json'
      ? ''
      : ` that satisfies this JSON Schema: ${JSON.stringify(request.responseSchema)}`
  const rule: Message = { role: 'system', content: `Answer with one JSON value${schema}. No other text.` }
  return { ...request, messages: [rule, ...request.messages] }
}

function hasInstructions(request: RouterRequest): boolean {
  return request.messages.some(isInstruction)
}

function isInstruction(message: Message): boolean {
  return message.role === 'system' || message.role === 'developer'
}
