/** Every text of a request, with a name for it. Pure. */
import type { Message, RouterRequest, ToolDefinition } from '../spec/request.ts'
import type { TextField } from './hard-stops.ts'

/** JSON Schemas deeper than this are not read further; tool parameters in use nest 3 to 6 deep. */
const MAX_SCHEMA_DEPTH = 12

/**
 * @returns the texts of a request in order: messages with their names and asides, image descriptions and tool calls, then tool
 * definitions with names, descriptions and the descriptions of their parameters; empty texts are left out
 */
export function extractFields(request: RouterRequest): readonly TextField[] {
  return [
    ...request.messages.flatMap((message, index) => messageFields(message, `messages[${index}]`)),
    ...(request.tools ?? []).flatMap((tool, index) => toolFields(tool, `tools[${index}]`)),
  ].filter(({ text }) => text !== '')
}

function messageFields(message: Message, path: string): readonly TextField[] {
  const role = message.role === 'system' || message.role === 'developer' ? 'instruction' : 'conversation'
  return [...contentFields(message, path), ...callFields(message, path)].map((field) => ({ ...field, role }))
}

function contentFields({ content, name, aside }: Message, path: string): readonly TextField[] {
  const beside = { name, aside }
  const named = Object.entries(beside).flatMap(([field, text]) =>
    text === undefined ? [] : [{ field: `${path}.${field}`, text }],
  )
  if (typeof content === 'string') return [{ field: `${path}.content`, text: content }, ...named]
  const parts = content.flatMap((part, index): readonly TextField[] => {
    if (part.type === 'text') return [{ field: `${path}.content[${index}]`, text: part.text }]
    return part.type === 'image' ? [{ field: `${path}.content[${index}].alt`, text: part.alt ?? '' }] : []
  })
  return [...parts, ...named]
}

function callFields({ toolCalls }: Message, path: string): readonly TextField[] {
  return (toolCalls ?? []).flatMap((call, index) => [
    { field: `${path}.toolCalls[${index}].name`, text: call.name },
    { field: `${path}.toolCalls[${index}].arguments`, text: call.arguments },
  ])
}

function toolFields(tool: ToolDefinition, path: string): readonly TextField[] {
  const described = descriptionsOf(tool.parameters, 0).join('\n')
  return [
    { field: `${path}.name`, text: tool.name, role: 'instruction' },
    { field: `${path}.description`, text: tool.description ?? '', role: 'instruction' },
    { field: `${path}.parameters`, text: described, role: 'instruction' },
  ]
}

function descriptionsOf(schema: unknown, depth: number): readonly string[] {
  if (typeof schema !== 'object' || schema === null || depth > MAX_SCHEMA_DEPTH) return []
  return Object.entries(schema).flatMap(([key, value]) =>
    key === 'description' && typeof value === 'string' ? [value] : descriptionsOf(value, depth + 1),
  )
}
