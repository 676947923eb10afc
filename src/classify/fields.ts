/** Every text of a request that hard stops are looked for in, with a name for it. Pure. */
import type { Message, RouterRequest, ToolDefinition } from '../spec/request.ts'
import { fileText } from './file-text.ts'
import type { TextField } from './hard-stops.ts'
import { visitBeside } from './leaving.ts'

/** JSON Schemas deeper than this are not read further; tool parameters in use nest 3 to 6 deep. */
const MAX_SCHEMA_DEPTH = 12

/**
 * @returns the texts of a request in order: messages with their names and asides, image descriptions and tool calls, then tool
 * definitions with names, descriptions and the descriptions of their parameters, then every further value of the caller's that is more than a
 * name; empty texts are left out
 */
export function extractFields(request: RouterRequest): readonly TextField[] {
  const fields: TextField[] = []
  for (const [index, message] of request.messages.entries()) {
    const role = message.role === 'system' || message.role === 'developer' ? 'instruction' : 'conversation'
    messageTexts(message, `messages[${index}]`, (field, text) => {
      if (text) fields.push({ field, text, role })
    })
  }
  for (const [index, tool] of (request.tools ?? []).entries())
    toolTexts(tool, `tools[${index}]`, (field, text) => {
      if (text) fields.push({ field, text, role: 'instruction' })
    })
  fields.push(...besideFields(request, fields))
  return fields
}

/**
 * Values that a caller writes, wherever they stand: choices and defaults of a schema, a prediction, a refusal, a file that is text. Names do
 * not count, be it of fields, of types or of choices: an agent has tools that revoke, delete and deploy, and errors called
 * `permission_denied`, and nothing has happened yet.
 */
function besideFields(request: RouterRequest, spoken: readonly TextField[]): readonly TextField[] {
  const known = new Set(spoken.map(({ text }) => text))
  // Descriptions of parameters stand together.
  for (const { parameters } of request.tools ?? []) for (const text of descriptionsOf(parameters, 0)) known.add(text)
  const found: TextField[] = []
  const add = (text: string, field: string | null): void => {
    known.add(text)
    found.push({ text, field: field ?? 'messages', role: field === null ? 'conversation' : 'instruction' })
  }
  visitBeside(request, (value, field, kind) => {
    if (kind === 'name' || value === '' || known.has(value)) return
    known.add(value)
    const file = fileText(value)
    // What a file says is no instruction of the application, wherever it stands.
    if (file) add(file.text, null)
    else if (WORDS.test(value)) add(value, field)
  })
  return found
}

/** Names, ids, addresses and bytes are one run of Latin letters, digits and marks. */
const WORDS = /[^!-~]/

type Take = (field: string, text: string | undefined) => void

function messageTexts({ content, name, aside, toolCalls = [] }: Message, path: string, take: Take): void {
  if (typeof content === 'string') take(`${path}.content`, content)
  else
    for (const [index, part] of content.entries()) {
      if (part.type === 'text') take(`${path}.content[${index}]`, part.text)
      else if (part.type === 'image') take(`${path}.content[${index}].alt`, part.alt)
    }
  take(`${path}.name`, name)
  take(`${path}.aside`, aside)
  for (const [index, call] of toolCalls.entries()) {
    take(`${path}.toolCalls[${index}].name`, call.name)
    take(`${path}.toolCalls[${index}].arguments`, call.arguments)
  }
}

function toolTexts(tool: ToolDefinition, path: string, take: Take): void {
  take(`${path}.name`, tool.name)
  take(`${path}.description`, tool.description)
  take(`${path}.parameters`, descriptionsOf(tool.parameters, 0).join('\n'))
}

function descriptionsOf(schema: unknown, depth: number): readonly string[] {
  if (typeof schema !== 'object' || schema === null || depth > MAX_SCHEMA_DEPTH) return []
  return Object.entries(schema).flatMap(([key, value]) =>
    key === 'description' && typeof value === 'string' ? [value] : descriptionsOf(value, depth + 1),
  )
}
