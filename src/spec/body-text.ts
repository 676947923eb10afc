/** The text that a JSON body was read from, for who passes it on: writing a large answer again costs more than all else about it. */
const texts = new WeakMap<object, string>()

/** @param body what `text` was parsed to; never changed */
export function rememberText<T extends object>(body: T, text: string): T {
  texts.set(body, text)
  return body
}

/**
 * A body as JSON with one more field, last. Where its own text is known the rest stays as it was written, byte for byte: numbers
 * keep their digits, names their order.
 */
export function jsonWith(body: Readonly<Record<string, unknown>>, name: string, value: unknown): string {
  const text = texts.get(body)
  const isEmpty = Object.keys(body).length === 0
  if (text === undefined || isEmpty || name in body) return JSON.stringify({ ...body, [name]: value })
  return `${text.slice(0, text.lastIndexOf('}'))},${JSON.stringify(name)}:${JSON.stringify(value)}}`
}
