/** Typed decisions of a local model: which way an answer of each kind is read, and what becomes of it. */
import { findEntities, NO_NAME_SCORE } from '../decide/entities.ts'
import { extractAnswer } from '../decide/extract.ts'
import { decideJson } from '../decide/json.ts'
import { fillArguments } from '../decide/json-arguments.ts'
import { rankItems } from '../decide/rank.ts'
import { chooseTool } from '../decide/tool-choice.ts'
import { problemWith } from '../gates/schema.ts'
import type { ModelIdentity, Signals, Usage } from '../spec/decision.ts'
import { RouterError } from '../spec/errors.ts'
import { NO_ANSWER, type Reading } from '../spec/reading.ts'
import { inputText, questionParts, type ToolCall } from '../spec/request.ts'
import type { Collected, Exchange, Reader } from './exchange.ts'
import { decideCallFor, promptFor, promptIdentity } from './task-prompt.ts'
import { readVectors } from './vectors.ts'

/** The way this exchange's answer is read; null when the model has to write it. */
export function readerFor({ run, port, request }: Exchange): Reader | null {
  if (request.embed) return port.embed ? readVectors : null
  if (run.options) return port.decide ? readOption : null
  const { kind } = run.task
  const about = questionParts(request.messages)
  if (kind === 'entities') return readEntities
  if (kind === 'tool' && (request.tools?.length ?? 0) > 0) return readTool
  if ((kind === 'extract' || kind === 'answer') && about && port.extract) return readSpan
  if (kind === 'rank' && about) return readRanking
  if (kind === 'similarity' && about && port.compare) return readSimilarity
  return kind === 'text' && typeof request.responseSchema === 'object' && port.writeJson ? readJson : null
}

const readOption: Reader = async (exchange, limits) => {
  const { run, port, request } = exchange
  const options = run.options ?? []
  if (!port.decide) throw new Error(`model ${port.name} cannot decide`)
  const text = inputText(request.messages)
  const asked = { name: run.features.task, task: run.task, model: exchange.model.name, options, text }
  const result = await port.decide(decideCallFor(asked, exchange.deps.heads), limits)
  const best = result.options[0]
  if (!best) throw new RouterError('model_malformed', { model: port.name, problem: 'it returned no option' })
  return { ...found(exchange, { text: best.value, ...result }), option: best }
}

const readSpan: Reader = async (exchange, limits) => {
  const { run, port } = exchange
  const { context, question } = partsOf(exchange)
  const { system } = promptFor(run.task, exchange.model.name)
  const call = { question, document: context.join('\n\n'), ...(system !== undefined && { instruction: system }) }
  const result = await extractAnswer(call, port, limits)
  const { answer, span, score } = result
  const reading: Reading = { kind: 'span', span, score }
  return found(exchange, { ...result, text: answer ?? NO_ANSWER, probability: score, reading })
}

const readRanking: Reader = async (exchange, limits) => {
  const { run, port } = exchange
  const { context, question } = partsOf(exchange)
  const { system } = promptFor(run.task, exchange.model.name)
  const { keep, minScore } = run.task.rank
  const result = await rankItems(
    {
      query: question,
      items: context,
      ...(system !== undefined && { instruction: system }),
      ...(keep !== undefined && { keep }),
      minScore,
    },
    port,
    limits,
  )
  const { ranking, kept, conflict, missing } = result
  const text = JSON.stringify(kept.map((index) => context[index]))
  const reading: Reading = { kind: 'ranking', ranking, kept, conflict, missing }
  return found(exchange, { ...result, text, probability: ranking[0]?.score ?? 0, reading })
}

const readSimilarity: Reader = async (exchange, limits) => {
  const { port, run } = exchange
  const { context, question } = partsOf(exchange)
  if (!port.compare) throw new Error(`model ${port.name} cannot compare`)
  const head = run.task.head ? { head: run.features.task } : {}
  const result = await port.compare({ left: context.join('\n\n'), right: question, ...head }, limits)
  const reading: Reading = { kind: 'similarity', score: result.score }
  return found(exchange, { ...result, text: result.score.toFixed(3), reading })
}

const readEntities: Reader = async (exchange) => {
  const entities = findEntities(inputText(exchange.request.messages))
  const probability = entities.reduce(
    (product, { score }) => product * score,
    entities.length === 0 ? NO_NAME_SCORE : 1,
  )
  const text = JSON.stringify(entities.map(({ text: name, label }) => ({ text: name, label })))
  return found(exchange, { text, probability, reading: { kind: 'entities', entities } })
}

/** The tool by the words; its arguments by the model, where it can be held to their schema. */
const readTool: Reader = async (exchange, limits) => {
  const { port, request } = exchange
  const tools = request.tools ?? []
  const input = inputText(request.messages)
  const { name, ranked, probability } = chooseTool(input, tools)
  const tool = tools.find((candidate) => candidate.name === name)
  const reading: Reading = { kind: 'tool', ranked }
  if (!tool) return found(exchange, { text: NO_TOOL, probability, reading })
  if (!port.writeJson) return found(exchange, { text: tool.name, probability, reading })
  const validatorOf = (schema: Readonly<Record<string, unknown>>) => (value: unknown) => problemWith(value, schema)
  const filling = { request: input, tool, maxOutputTokens: exchange.model.policy.maxOutputTokens, validatorOf }
  const result = await fillArguments(filling, port, limits)
  const toolCalls = [{ id: `call_${exchange.run.requestId}`, name: tool.name, arguments: result.text }]
  return found(exchange, {
    ...result,
    text: tool.name,
    probability: result.valid ? probability : 0,
    reading,
    toolCalls,
  })
}

/** The text of an answer that calls no tool. */
const NO_TOOL = 'none'

const readJson: Reader = async (exchange, limits) => {
  const { request, port } = exchange
  const schema = request.responseSchema as Readonly<Record<string, unknown>>
  const maxOutputTokens = request.maxOutputTokens ?? exchange.model.policy.maxOutputTokens
  const validate = (value: unknown) => problemWith(value, schema)
  const result = await decideJson({ messages: request.messages, schema, maxOutputTokens, validate }, port, limits)
  const { leaves, repaired } = result
  return found(exchange, { reading: { kind: 'json', leaves, repaired }, ...result })
}

interface Found {
  readonly text: string
  /** How sure the answer is, 0 to 1; null when nothing is known; absent where no option stands for it. */
  readonly probability?: number | null
  readonly reading?: Reading
  readonly toolCalls?: readonly ToolCall[]
  readonly finishReason?: 'stop' | 'length' | 'tool_calls' | 'content_filter'
  /** Of the model, where one was asked. */
  readonly signals?: Signals
  readonly usage?: Usage | null
  readonly identity?: ModelIdentity | null
}

function found(exchange: Exchange, answer: Found): Collected {
  const { run, model } = exchange
  const { text, probability, reading, toolCalls = [], signals = null } = answer
  const identity = answer.identity ?? { digest: null, quantisation: null, servedBy: model.policy.model }
  run.reading = reading ?? null
  run.localModel = { name: model.name, identity, prompt: promptIdentity(promptFor(run.task, model.name)) }
  return {
    answer: {
      text,
      toolCalls,
      finishReason: toolCalls.length > 0 ? 'tool_calls' : (answer.finishReason ?? 'stop'),
      usage: answer.usage ?? { inputTokens: 0, outputTokens: 0, source: 'reported' },
      signals,
      ...(reading && { reading }),
      raw: null,
    },
    option:
      typeof probability === 'number'
        ? { value: text, probability, logprob: Math.log(Math.max(probability, 1e-12)) }
        : null,
    identity,
    firstTokenMs: null,
  }
}

function partsOf({ request }: Exchange): NonNullable<ReturnType<typeof questionParts>> {
  const parts = questionParts(request.messages)
  if (!parts) throw new Error('the request does not say what its question is about')
  return parts
}
