/** What each kind of model is given: the local one its own prompt, the frontier the caller's. */
import { readInstruction, typedInstruction } from '../patterns/packet.ts'
import { isRead } from '../spec/reading.ts'
import type { Message, RouterRequest } from '../spec/request.ts'
import type { RosterModel } from './roster.ts'
import type { Run } from './run.ts'
import { promptFor } from './task-prompt.ts'

/** @param writesJson the model is held to a schema, so it needs no words about it */
export function requestFor(
  run: Run,
  { model, writesJson }: { readonly model: RosterModel; readonly writesJson: boolean },
  request: RouterRequest,
): RouterRequest {
  const withSchema =
    run.task.schema && !request.responseSchema ? { ...request, responseSchema: run.task.schema } : request
  if (model.policy.tier === 'frontier') return forFrontier(run, withSchema)
  const own = forLocal(run, model, withSchema)
  return writesJson && typeof own.responseSchema === 'object' ? own : withSchemaText(own)
}

/** A typed task whose caller wrote no instructions gets the bounded question; everything else travels unchanged. */
function forFrontier(run: Run, request: RouterRequest): RouterRequest {
  if (hasInstructions(request)) return request
  const content = run.options ? typedInstruction(run.task, run.options) : readInstruction(run.task.kind)
  if (content === null || !(run.options || isRead(run.task.kind, request))) return request
  const instruction: Message = { role: 'system', content }
  return { ...request, messages: [instruction, ...request.messages] }
}

/** The task's own prompt and shots for the local model replace the caller's instructions, which were written for another. */
function forLocal(run: Run, model: RosterModel, request: RouterRequest): RouterRequest {
  const { wire: _, ...own } = request
  // A text that goes on is no conversation: nothing is put around it.
  if (request.completion) return own
  const { system, shots } = promptFor(run.task, model.name)
  if (system === undefined && shots.length === 0) return own
  // What the router itself says of a lower tier's answer is no instruction of the caller's.
  const ours = own.messages.filter((message) => isInstruction(message) && !run.request.messages.includes(message))
  const instructions = own.messages.filter((message) => isInstruction(message) && !ours.includes(message))
  const conversation = own.messages.filter((message) => !isInstruction(message))
  const head: readonly Message[] = system === undefined ? instructions : [{ role: 'system', content: system }]
  const worked = shots.flatMap((shot): readonly Message[] => [
    { role: 'user', content: shot.input },
    { role: 'assistant', content: shot.output },
  ])
  return { ...own, messages: [...head, ...ours, ...worked, ...conversation] }
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
