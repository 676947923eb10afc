/** Typed decisions, as `experimental_decide` of the AI SDK asks for them: read from a local model's distribution, not written. */
import { RouterError } from '../../spec/errors.ts'
import { called } from './call-error.ts'
import { countOf, type Fields, fieldsOf, jsonFields, listOf, textOf } from './door.ts'
import type { ModelSettings } from './language-model.ts'
import { saidByCaller } from './options.ts'
import type {
  DecisionAnswer,
  DecisionCall,
  DecisionQuestion,
  DecisionResult,
  DecisionText,
  SdkWarning,
  SpillwayDecisionModel,
} from './specification.ts'

const QUESTION_TYPES = ['choice', 'score', 'boolean'] as const

export function decisionModel(modelId: string, settings: ModelSettings<'v4'>): SpillwayDecisionModel {
  return {
    specificationVersion: 'v4',
    provider: `${settings.name}.decision`,
    modelId,
    supportedQuestionTypes: QUESTION_TYPES,
    doDecide: (call) => decide(call, modelId, settings),
  }
}

async function decide(
  call: DecisionCall,
  model: string,
  { door, always }: ModelSettings<'v4'>,
): Promise<DecisionResult> {
  const { abortSignal: signal } = call
  return await called(call, door, async () => {
    const { metadata, headers } = saidByCaller(call, always)
    const asked = Object.entries(call.questions)
    const questions = asked.map(([id, question]) => wireQuestion(question, `questions.${id}`))
    const input = [{ role: 'user', content: call.state.map(statePart) }]
    const told = await door.ask('/v1/decisions', { model, input, questions, metadata }, { headers, signal })
    const answers = listOf(told.answers)
    const read = asked.map(([id, question], index) => [id, answerOf(question, answers[index] ?? {})] as const)
    const records = asked.map(([id], index) => [id, jsonFields(answers[index]?.spillway)] as const)
    const [only] = records
    const modelId = textOf(told.model)
    return {
      answers: Object.fromEntries(read),
      usage: usageOf(told),
      warnings: asked.flatMap(([id], index) => unread(id, answers[index] ?? {})),
      // Of one question the record itself, as everywhere; of several one for each.
      providerMetadata: { spillway: records.length === 1 && only ? only[1] : Object.fromEntries(records) },
      response: { timestamp: new Date(), ...(modelId !== undefined && { modelId }) },
    }
  })
}

function usageOf({ usage }: Fields): { inputTokens?: number; outputTokens?: number } {
  const { input_tokens: input, output_tokens: output } = fieldsOf(usage)
  const [inputTokens, outputTokens] = [countOf(input), countOf(output)]
  return { ...(inputTokens !== undefined && { inputTokens }), ...(outputTokens !== undefined && { outputTokens }) }
}

/** An image is for the door to refuse, in its own words. */
function statePart(part: DecisionCall['state'][number]): Fields {
  if (part.type === 'text') return { type: 'input_text', text: part.text }
  return part.type === 'json' ? { type: 'input_json', data: part.value } : { type: 'input_image' }
}

/** @throws RouterError request_invalid: a box, which nobody here can draw */
function wireQuestion(question: DecisionQuestion, path: string): Fields {
  const instructions = written(question.instructions) ?? ''
  if (question.type === 'choice') {
    const choices = Object.entries(question.criteria).map(([value, criterion]) => ({ value, ...described(criterion) }))
    return { type: 'choice', instructions: instructions || 'Which of these fits the text?', choices }
  }
  if (question.type === 'score') {
    const levels = question.criteria.map((criterion, index) => ({ label: String(index), ...described(criterion) }))
    return { type: 'score', instructions: instructions || 'Which level fits the text?', levels }
  }
  if (question.type === 'boolean') {
    const { true: yes, false: no } = question.criteria ?? {}
    const lines = [
      instructions,
      ...[yes].flatMap((one) => (one ? [`yes: ${written(one)}`] : [])),
      ...[no].flatMap((one) => (one ? [`no: ${written(one)}`] : [])),
    ]
    return { type: 'predicate', instructions: lines.filter((line) => line !== '').join('\n') }
  }
  throw new RouterError('request_invalid', {
    path,
    problem: 'a box in an image is not decided here',
    fix: 'Ask a model that sees for it.',
  })
}

function described(criterion: DecisionText | null): Fields {
  const description = written(criterion)
  return description === undefined ? {} : { description }
}

function written(text: DecisionText | null | undefined): string | undefined {
  if (text === null || text === undefined) return undefined
  return typeof text === 'string' ? text : JSON.stringify(text)
}

function answerOf(question: DecisionQuestion, answer: Fields): DecisionAnswer {
  if (answer.type === 'predicate')
    return { type: 'boolean', probability: countOf(answer.probability) ?? Number(answer.value === true) }
  if (answer.type === 'choice')
    return { type: 'choice', choice: String(answer.choice), ...probabilities(answer.probabilities, 'value') }
  if (answer.type === 'score' && question.type === 'score')
    return { type: 'score', score: countOf(answer.score) ?? 0, ...probabilities(answer.probabilities, 'label') }
  return { type: 'refusal' }
}

/** Absent where a frontier answered: it says what it chose, and not how sure it is. */
function probabilities(value: unknown, key: 'value' | 'label') {
  if (!Array.isArray(value)) return {}
  return { probabilities: Object.fromEntries(listOf(value).map((one) => [String(one[key]), Number(one.probability)])) }
}

/** The SDK has no answer to a boolean without a probability. */
function unread(id: string, { type, probability }: Fields): readonly SdkWarning[] {
  if (type !== 'predicate' || typeof probability === 'number') return []
  const message = `${id} was answered with yes or no and no probability was read: 1 or 0 stands for the answer`
  return [{ type: 'other', message }]
}
