/** Tool calls that a model wrote into its text, in the notations of several families. Pure. */

export interface WrittenToolCall {
  readonly name: string
  /** The argument text as the model wrote it; a JSON object. */
  readonly arguments: string
}

/**
 * Reads the text between the marks of a tool call: one JSON object, a list, several objects after one another, `name[ARGS]{…}`
 * (Mistral), `<function=name><parameter=key>value</parameter></function>` (Qwen 3 Coder), `functions.name …<|message|>{…}`
 * (gpt-oss).
 *
 * @param tools names of the offered tools
 * @returns null when the text is no such call, or names a tool that was not offered
 */
export function parseToolCalls(body: string, tools: readonly string[]): readonly WrittenToolCall[] | null {
  const text = body.trim()
  const calls = NOTATIONS.map((read) => read(text)).find((found) => found !== null) ?? null
  return calls !== null && calls.length > 0 && calls.every(({ name }) => tools.includes(name)) ? calls : null
}

type Notation = (text: string) => readonly WrittenToolCall[] | null

const NOTATIONS: readonly Notation[] = [jsonCalls, mistralCalls, functionCalls, harmonyCall]

function jsonCalls(text: string): readonly WrittenToolCall[] | null {
  const calls: WrittenToolCall[] = []
  let rest = text.startsWith('[') && text.endsWith(']') ? text.slice(1, -1).trim() : text
  while (rest !== '') {
    const end = jsonEnd(rest)
    const call = end === null ? null : jsonCall(rest.slice(0, end))
    if (call === null || end === null) return null
    calls.push(call)
    // Lists separate by commas, Llama 3 by semicolons, others by line breaks.
    rest = rest.slice(end).replace(/^\s*[,;]?\s*/, '')
  }
  return calls
}

function jsonCall(text: string): WrittenToolCall | null {
  const outer = parsed(text)
  if (outer === null) return null
  const inner = isObject(outer.function) ? outer.function : outer
  const name = inner.name ?? outer.function
  const given = inner.arguments ?? inner.parameters ?? {}
  if (typeof name !== 'string') return null
  if (typeof given === 'string') return parsed(given) === null ? null : { name, arguments: given }
  return isObject(given) ? { name, arguments: asWritten(text, given) } : null
}

/** The very text of the arguments: writing them anew would round large numbers. */
function asWritten(text: string, given: object): string {
  for (const { index, 0: key } of text.matchAll(/"(?:arguments|parameters)"\s*:\s*/g)) {
    const rest = text.slice(index + key.length)
    const end = jsonEnd(rest)
    const found = end === null ? null : rest.slice(0, end)
    if (found !== null && JSON.stringify(parsed(found)) === JSON.stringify(given)) return found
  }
  return JSON.stringify(given)
}

/** Mistral: `get_weather[ARGS]{"city": "Rome"}`, one after another. */
function mistralCalls(text: string): readonly WrittenToolCall[] | null {
  const pieces = text
    .split('[TOOL_CALLS]')
    .map((piece) => /^\s*([\w.-]+)(?:\[CALL_ID\]\w+)?\[ARGS\]\s*([\s\S]*)$/.exec(piece))
  const calls = pieces.map((match) => named(match?.[1], match?.[2]))
  return calls.every((call) => call !== null) ? calls : null
}

/** Qwen 3 Coder: one `<function=…>` block. Values that are JSON keep their type, all others are strings. */
function functionCalls(text: string): readonly WrittenToolCall[] | null {
  const match = /^<function=([^>\s]+)>([\s\S]*)<\/function>$/.exec(text)
  if (match?.[1] === undefined || match[2] === undefined) return null
  const values: Record<string, unknown> = {}
  for (const [, key, value] of match[2].matchAll(/<parameter=([^>\s]+)>\n?([\s\S]*?)\n?<\/parameter>/g)) {
    if (key !== undefined) values[key] = jsonOrText(value ?? '')
  }
  return [{ name: match[1], arguments: JSON.stringify(values) }]
}

/** gpt-oss: the header names the function, the message is its arguments. */
function harmonyCall(text: string): readonly WrittenToolCall[] | null {
  const match = /^(?:functions\.)?([\w.-]+)[^{]*?<\|message\|>([\s\S]*)$/.exec(text)
  const call = named(match?.[1], match?.[2])
  return call === null ? null : [call]
}

function named(name: string | undefined, args: string | undefined): WrittenToolCall | null {
  const text = args?.trim() ?? ''
  return name === undefined || parsed(text) === null ? null : { name, arguments: text }
}

function jsonOrText(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

function parsed(text: string): Readonly<Record<string, unknown>> | null {
  const value = jsonOrText(text)
  return isObject(value) ? value : null
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Where the JSON object at the start of the text ends; null when it does not start one or has no end. */
function jsonEnd(text: string): number | null {
  if (!text.startsWith('{')) return null
  let depth = 0
  let isString = false
  for (let at = 0; at < text.length; at++) {
    const char = text[at]
    if (isString && char === '\\') at++
    else if (char === '"') isString = !isString
    else if (!isString && (char === '{' || char === '[')) depth++
    else if (!isString && (char === '}' || char === ']') && --depth === 0) return at + 1
  }
  return null
}
