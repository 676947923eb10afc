/** Reads the harmless texts of a stop check: JSON Lines of `{"text": …}`. */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { z } from 'zod'
import type { HarmlessTexts } from '../spec/policy.ts'

/** @returns the texts, each once, or what is wrong with them; the problem names the file and the line */
export function readHarmlessTexts(
  reference: string,
  folder: string,
): HarmlessTexts | { readonly problem: string; readonly fix: string } {
  const file = resolve(folder, reference)
  let content: string
  try {
    content = readFileSync(file, 'utf8')
  } catch {
    return { problem: `the harmless texts ${file} cannot be read`, fix: 'Correct the path, or remove harmless.' }
  }
  const texts = new Set<string>()
  for (const [index, line] of content.split('\n').entries()) {
    if (line.trim() === '') continue
    const text = textIn(line)
    if (text === null)
      return { problem: `line ${index + 1} of ${file} is not a text`, fix: 'Write one {"text": "…"} in every line.' }
    texts.add(text)
  }
  if (texts.size > MAX_TEXTS) return { problem: `${file} holds ${texts.size} texts`, fix: `Keep at most ${MAX_TEXTS}.` }
  return harmlessTexts([...texts])
}

/** Texts that were checked elsewhere. */
export function harmlessTexts(texts: readonly string[]): HarmlessTexts {
  return { texts, digest: `sha256:${createHash('sha256').update(JSON.stringify(texts)).digest('hex')}` }
}

/** Each is read by the model before the first check: at a third of a second, 1,000 take five minutes. */
const MAX_TEXTS = 1000

const rowSchema = z.strictObject({ text: z.string().min(1) })

function textIn(line: string): string | null {
  try {
    return rowSchema.safeParse(JSON.parse(line)).data?.text ?? null
  } catch {
    return null
  }
}
