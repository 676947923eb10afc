/** Readers of JSON differ in what they do with a key that is named twice, so a check of one reading proves nothing. */

/**
 * Whether an object in a JSON text names a key twice. Pure, linear.
 *
 * @param json a text that parses as JSON
 */
export function repeatsKey(json: string): boolean {
  const open: (Set<string> | null)[] = []
  let mayBeKey = false
  for (const [token] of json.matchAll(TOKEN)) {
    if (token === '{' || token === '[') open.push(token === '{' ? new Set() : null)
    else if (token === '}' || token === ']') open.pop()
    const keys = open.at(-1)
    if (token.startsWith('"') && mayBeKey && keys) {
      const key = JSON.parse(token) as string
      if (keys.has(key)) return true
      keys.add(key)
    }
    mayBeKey = token === '{' || token === ','
  }
  return false
}

/** All that structures a JSON text; what stands between is numbers and words. */
const TOKEN = /"(?:[^"\\]|\\.)*"|[{}[\],:]/g
