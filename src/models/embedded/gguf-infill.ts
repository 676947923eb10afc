/** Whether a model was trained to fill a text in: its vocabulary marks what stands before, what after, and where the middle begins. */

/** As models are published; the engine knows the same names. */
const NAMES: Readonly<Record<'before' | 'after' | 'middle', readonly string[]>> = {
  before: ['<fim_prefix>', '<|fim_prefix|>', '<fim-prefix>', '<｜fim▁begin｜>', '<PRE>', '▁<PRE>', '<|code_prefix|>'],
  after: ['<fim_suffix>', '<|fim_suffix|>', '<fim-suffix>', '<｜fim▁hole｜>', '<SUF>', '▁<SUF>', '<|code_suffix|>'],
  middle: ['<fim_middle>', '<|fim_middle|>', '<fim-middle>', '<｜fim▁end｜>', '<MID>', '▁<MID>', '<|code_middle|>'],
}

/** Keys by which a file says it without such a name. */
const KEYS: Readonly<Record<keyof typeof NAMES, readonly string[]>> = {
  before: ['tokenizer.ggml.fim_pre_token_id', 'tokenizer.ggml.prefix_token_id'],
  after: ['tokenizer.ggml.fim_suf_token_id', 'tokenizer.ggml.suffix_token_id'],
  middle: ['tokenizer.ggml.fim_mid_token_id', 'tokenizer.ggml.middle_token_id'],
}

const MARKS = ['before', 'after', 'middle'] as const

const EVERY_NAME: ReadonlySet<string> = new Set(Object.values(NAMES).flat())

/** Bytes of the longest of them. */
export const MARK_BYTES = Math.max(...[...EVERY_NAME].map((name) => Buffer.byteLength(name)))

export function isMark(text: string): boolean {
  return EVERY_NAME.has(text)
}

/** @param marks those of the vocabulary that `isMark` knows */
export function fillsIn(marks: ReadonlySet<string>, hasKey: (key: string) => boolean): boolean {
  return MARKS.every((mark) => KEYS[mark].some(hasKey) || NAMES[mark].some((name) => marks.has(name)))
}
