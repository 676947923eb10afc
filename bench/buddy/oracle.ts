/** A simulated frontier that knows the right answers; asked about a span it knows only what stands in the passages it was sent. */
import { FROM_PASSAGE } from '../../src/patterns/buddy-question.ts'
import type { ModelCall, ModelEvent, ModelPort } from '../../src/spec/ports.ts'
import { NO_ANSWER } from '../../src/spec/reading.ts'
import { messageText } from '../../src/spec/request.ts'

export interface Question {
  readonly id: string
  readonly set: 'squad' | 'hotpotqa'
  readonly input: string
  readonly context: string
  /** None: the context holds none. */
  readonly answers: readonly string[]
  /** Titles of the paragraphs that the answer follows from (hotpotqa). */
  readonly meta: { readonly supporting?: readonly string[] }
}

/** One call of the oracle. */
export interface OracleCall {
  readonly kind: 'span' | 'whole'
  /** Characters of its messages divided by four. */
  readonly inputTokens: number
  readonly outputTokens: number
  /** Of a question about a span: whether every paragraph that the answer follows from was in its passages. */
  readonly isGrounded: boolean | null
  readonly found: boolean
}

export interface Oracle extends ModelPort {
  calls(): readonly OracleCall[]
  reset(): void
}

export interface Knowledge {
  readonly known: readonly Question[]
  readonly isRight: (id: string) => boolean
  /** Asked about a span it is silent unless every paragraph that the answer follows from is in its passages. */
  readonly mustFollow: boolean
}

export function oracle(knowledge: Knowledge): Oracle {
  let made: OracleCall[] = []
  return {
    name: 'oracle',
    calls: () => made,
    reset: () => {
      made = []
    },
    async *generate(call): AsyncGenerator<ModelEvent> {
      const { text, ...made1 } = answered(call, knowledge)
      const inputTokens = Math.ceil(call.messages.reduce((sum, message) => sum + messageText(message).length, 0) / 4)
      const outputTokens = Math.ceil(text.length / 4)
      made.push({ ...made1, inputTokens, outputTokens })
      yield { type: 'text', delta: text }
      yield {
        type: 'finish',
        finishReason: 'stop',
        usage: { inputTokens, outputTokens, source: 'reported' },
        signals: null,
        identity: { digest: null, quantisation: null, servedBy: 'oracle' },
        raw: null,
      }
    },
    close: async () => {},
  }
}

function answered(call: ModelCall, { known, isRight, mustFollow }: Knowledge) {
  const prompt = call.messages.map(messageText).join('\n')
  if (!prompt.startsWith(FROM_PASSAGE)) {
    const row = known.find(({ input, context }) => prompt.includes(input) && prompt.includes(context.trim()))
    const text = row && isRight(row.id) ? (row.answers[0] ?? NO_ANSWER) : WRONG
    return { kind: 'whole' as const, text, isGrounded: null, found: true }
  }
  const question = /^Question: (.*)$/m.exec(prompt)?.[1] ?? ''
  const passage = prompt.slice(prompt.indexOf('\nPassage:\n') + 10)
  // Some questions are asked of two paragraphs, of which one holds no answer.
  const [first = ''] = passage.split('\n…\n')
  const row = known.find(({ input, context }) => input === question && context.includes(first))
  const supporting = row?.meta.supporting ?? []
  const isGrounded = supporting.length === 0 ? null : supporting.every((title) => passage.includes(`[${title}]`))
  const reply =
    row && !(mustFollow && isGrounded === false)
      ? replyFrom(row, passage, { isGrounded, isRight: isRight(row.id) })
      : NOTHING
  return { kind: 'span' as const, text: JSON.stringify(reply), isGrounded, found: reply.value !== null }
}

const WRONG = 'something else'
const NOTHING = { value: null, evidence: null, at: null }

/** A yes or no stands nowhere: it is known where all that it follows from is there. A wrong frontier copies the first words. */
function replyFrom(
  { answers }: Question,
  passage: string,
  { isGrounded, isRight }: { readonly isGrounded: boolean | null; readonly isRight: boolean },
) {
  const isClosed = /^(?:yes|no)$/i.test(answers[0] ?? '')
  if (isClosed) {
    const value = isRight ? answers[0] : answers[0] === 'yes' ? 'no' : 'yes'
    return isGrounded ? { value, evidence: passage.slice(0, 40).replace(/\s\S*$/, ''), at: 0 } : NOTHING
  }
  const value = answers.find((answer) => passage.includes(answer))
  if (value === undefined) return NOTHING
  const said = isRight ? value : passage.split(/\s+/).slice(0, 2).join(' ')
  return { value: said, evidence: said, at: passage.indexOf(said) }
}
