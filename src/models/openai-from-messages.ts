/** What only a caller's Messages body says, in the words of the OpenAI chat dialect. Pure. */
import type { ContentPart, Message } from '../spec/request.ts'
import { effortOf, takesEffort } from '../spec/translation-anthropic.ts'
import { fieldsOf } from '../spec/wire-body.ts'
import type { JsonObject } from './http-model.ts'

export function fromMessagesBody(body: JsonObject, model: string): JsonObject {
  const user = fieldsOf(body.metadata).user_id
  const effort = takesEffort(model) ? effortOf(body) : undefined
  return {
    ...toolChoice(fieldsOf(body.tool_choice), Array.isArray(body.tools) && body.tools.length > 0),
    ...(typeof user === 'string' && { user }),
    ...(effort !== undefined && { reasoning_effort: effort }),
  }
}

/** The dialect takes a choice only beside tools. */
function toolChoice(choice: JsonObject, hasTools: boolean): JsonObject {
  if (!hasTools) return {}
  const serial = choice.disable_parallel_tool_use === true ? { parallel_tool_calls: false } : {}
  if (choice.type === 'tool') return { tool_choice: { type: 'function', function: { name: choice.name } }, ...serial }
  const word = CHOICES[String(choice.type)]
  return { ...(word !== undefined && { tool_choice: word }), ...serial }
}

const CHOICES: Readonly<Record<string, string>> = { auto: 'auto', any: 'required', none: 'none' }

/** A tool's answer is text in this dialect: images in it follow behind the tools' answers, in a message of the user. */
export function imagesAfterTools(messages: readonly Message[]): readonly Message[] {
  const sent: Message[] = []
  let images: ContentPart[] = []
  const flush = (): void => {
    if (images.length > 0) sent.push({ role: 'user', content: images })
    images = []
  }
  for (const message of messages) {
    if (message.role !== 'tool') flush()
    const { content } = message
    if (message.role !== 'tool' || typeof content === 'string') {
      sent.push(message)
      continue
    }
    images.push(...content.filter(({ type }) => type === 'image'))
    const texts = content.filter(({ type }) => type !== 'image')
    sent.push({ ...message, content: texts.length === 0 ? '' : texts })
  }
  flush()
  return sent
}
