/** One embedded model alone: which task of its own small policy a request is. */
import type { PolicyInput } from '../../spec/policy.ts'
import { type Door, type DoorCall, type Fields, fieldsOf, listOf } from './door.ts'

const MODEL = 'local_model'
/** Tools are chosen by the words that request and tools share, and the model fills their arguments. */
const TOOLS = 'tools'

/** Answers come as the model writes them: nothing is held back, no gate looks at them, and nobody else could be asked. */
export function localPolicy(model: string, contextTokens: number): PolicyInput {
  const local = { local: MODEL, pattern: 'direct', maxInputChars: 1_000_000, minConfidence: 0 } as const
  return {
    models: { [MODEL]: { provider: 'embedded', model, tier: 'local_quality', contextTokens } },
    tasks: { chat: { kind: 'text', ...local }, [TOOLS]: { kind: 'tool', ...local } },
    defaults: { task: 'chat' },
    hardStops: { access: [], security: [], production: [], irreversible: [] },
    privacy: { localOnly: { unproven: 'serve_marked' } },
  }
}

/** After a result of a tool, and where none is wanted, the model writes: it offers no second call by itself. */
export function localDoor(door: Door): Door {
  return {
    url: door.url,
    async ask(path, body, call) {
      if (path !== '/v1/chat/completions' || !offersTools(body)) return door.ask(path, withoutTools(body), call)
      const answer = await door.ask(path, asTools(body), call)
      const [choice] = listOf(answer.choices)
      const called = listOf(fieldsOf(choice?.message).tool_calls).length > 0
      return called ? answer : await door.ask(path, withoutTools(body), call)
    },
    stream: (body, call) => (offersTools(body) ? streamed(door, body, call) : door.stream(withoutTools(body), call)),
  }
}

/** Which it is shows with the whole answer, which a typed one is in any case. */
async function* streamed(door: Door, body: Fields, call: DoorCall): AsyncGenerator<string> {
  let text = ''
  for await (const piece of door.stream(asTools(body), call)) text += piece
  if (text.includes('"tool_calls":[')) yield text
  else yield* door.stream(withoutTools(body), call)
}

function offersTools({ tools, tool_choice: choice, messages }: Fields): boolean {
  const isQuestion = listOf(messages).at(-1)?.role === 'user'
  return isQuestion && choice !== 'none' && listOf(tools).length > 0
}

function asTools(body: Fields): Fields {
  return { ...body, metadata: { ...fieldsOf(body.metadata), task: TOOLS } }
}

function withoutTools({ tools: _tools, tool_choice: _choice, ...body }: Fields): Fields {
  return body
}
