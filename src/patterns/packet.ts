/** The escalation packet: bounded, never the whole trace. */
import { type FindPrivate, findPrivate } from '../classify/privacy/find.ts'
import type { TaskKind, Verdict } from '../spec/decision.ts'
import type { TaskPolicy } from '../spec/policy.ts'
import { PRIVATE_KINDS } from '../spec/private-kinds.ts'
import { NO_ANSWER } from '../spec/reading.ts'
import type { Message, RouterRequest } from '../spec/request.ts'
import type { Asked } from './pattern.ts'

/** A longer draft is cut here: it tells the frontier what failed, it is not the source. */
const MAX_DRAFT_CHARS = 2000

/** A private key is about so long. */
const LONGEST_PRIVATE_CHARS = 4096

/**
 * The caller's own request with one system message in front: the task, the local answer, the failed check and the
 * bounded decision wanted. The caller's messages travel unchanged, so the answer keeps the shape they ask for.
 */
export function escalationPacket(
  request: RouterRequest,
  task: { readonly name: string; readonly policy: TaskPolicy; readonly options: readonly string[] | null },
  draft: { readonly asked: Asked; readonly rejected: Verdict; readonly find?: FindPrivate },
): RouterRequest {
  const answer = beginning(draft.asked.answer.text, draft.find ?? findPrivate)
  const last = wanted(task, request)
  const { description } = task.policy
  // Every word is paid for with each escalation: nothing stands in it twice.
  const about = description && !last.includes(description) ? ` - ${description}` : ''
  const lines = [
    `Task: ${task.name}${about}`,
    `A smaller model answered: ${answer === '' ? '(nothing)' : answer}`,
    `That answer was not accepted. Failed check: ${checkText(draft.rejected)}`,
    last,
  ]
  const packet: Message = { role: 'system', content: lines.join('\n') }
  return { ...request, messages: [packet, ...request.messages] }
}

/** Gates that weigh figures of the local model: their detail is for whoever sets the threshold, and says nothing about the answer. */
const WEIGHED: ReadonlySet<string> = new Set(['calibrated', 'confidence', 'entropy'])

function checkText({ gate, reason, detail }: Verdict): string {
  return `${gate} (${WEIGHED.has(gate) ? (reason ?? detail) : detail})`
}

/** Cut before a private piece that the end would go through: half of one is found by no detector and would not be masked. */
function beginning(text: string, find: FindPrivate): string {
  if (text.length <= MAX_DRAFT_CHARS) return text
  const cut = spansAround(text, find).find(({ start, end }) => start < MAX_DRAFT_CHARS && end > MAX_DRAFT_CHARS)
  return text.slice(0, cut?.start ?? MAX_DRAFT_CHARS)
}

/** Where a detector fails nothing leaves, and the egress door says so. */
function spansAround(text: string, find: FindPrivate): ReturnType<FindPrivate> {
  try {
    return find(text.slice(0, MAX_DRAFT_CHARS + LONGEST_PRIVATE_CHARS), PRIVATE_KINDS)
  } catch {
    return []
  }
}

/** The instruction a frontier gets for a typed task whose caller gave no prompt of its own. */
export function typedInstruction(task: TaskPolicy, options: readonly string[]): string {
  const base = task.prompt.system ?? task.description ?? 'Decide about the text of the user.'
  return `${base}\nAnswer with exactly one of: ${options.join(', ')}. No other words.`
}

/** The same for a kind whose answer is found in the request; null for kinds that are written. */
export function readInstruction(kind: TaskKind): string | null {
  return READ_INSTRUCTIONS[kind] ?? null
}

const READ_INSTRUCTIONS: Readonly<Partial<Record<TaskKind, string>>> = {
  extract: `Answer the last question with words of the text before it only, or with exactly: ${NO_ANSWER}`,
  answer: `Answer the last question from the text before it only. When it holds no answer, say exactly: ${NO_ANSWER}`,
  rank: 'Order the texts by how well they answer the last question, best first. Answer with a JSON array of the texts, word for word.',
  similarity:
    'How alike in meaning are the two texts, from 0 (unrelated) to 1 (the same)? Answer with one number and no other words.',
  entities:
    'List the names in the text as a JSON array of {"text", "label"}, with label PER, LOC, ORG or MISC, in the order of the text.',
  tool: 'Call the tool that the request asks for, or none.',
}

function wanted(
  task: { readonly policy: TaskPolicy; readonly options: readonly string[] | null },
  request: RouterRequest,
): string {
  const callerHasPrompt = request.messages.some((message) => message.role === 'system' || message.role === 'developer')
  if (task.options && !callerHasPrompt) return `Wanted: ${typedInstruction(task.policy, task.options)}`
  if (task.options)
    return `Wanted: one of these labels: ${task.options.join(', ')}, in the form the instructions ask for.`
  if (task.policy.schema) return 'Wanted: one JSON value that satisfies the required schema, and nothing else.'
  return 'Wanted: a correct and complete answer to the request below. Do not mention the smaller model.'
}
