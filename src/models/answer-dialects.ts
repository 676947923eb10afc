/** How families of models mark their reasoning and their tool calls inside the text of an answer. */

/** Text between `open` and `close` is no part of the answer. */
export interface Marks {
  readonly open: string
  readonly close: string
}

export interface AnswerDialect {
  /** Reasoning; looked for only before the answer has begun. */
  readonly thoughts: readonly Marks[]
  /** Tool calls. An empty `close` means that the call reaches to the end of the text. */
  readonly toolCalls: readonly Marks[]
  /** Headers in front of the answer that are dropped. */
  readonly headers: readonly string[]
  /** Marks that end a message; another may follow. */
  readonly endings: readonly string[]
  /** The prompt template opens the reasoning itself, so that the text starts inside of it; this closes it. */
  readonly openedByPrompt: string | null
}

/**
 * The dialect of a model, by words in its id.
 *
 * @param model a model id, for example `qwen3-coder:30b` or `openai/gpt-oss-20b`
 */
export function dialectOf(model: string): AnswerDialect {
  return FAMILIES.filter(({ pattern }) => pattern.test(model)).reduce<AnswerDialect>(
    (dialect, { adds }) => ({
      thoughts: [...dialect.thoughts, ...(adds.thoughts ?? [])],
      toolCalls: [...dialect.toolCalls, ...(adds.toolCalls ?? [])],
      headers: [...dialect.headers, ...(adds.headers ?? [])],
      endings: [...dialect.endings, ...(adds.endings ?? [])],
      openedByPrompt: adds.openedByPrompt ?? dialect.openedByPrompt,
    }),
    ANY_MODEL,
  )
}

/** Marks that no answer starts with by chance; every model gets them, since ids of local models are free text. */
const ANY_MODEL: AnswerDialect = {
  thoughts: [
    // Qwen 3, DeepSeek R1, QwQ, SmolLM 3, Granite 3.3, GLM, Nemotron, MiniMax.
    { open: '<think>', close: '</think>' },
    { open: '<thinking>', close: '</thinking>' },
    { open: '<thought>', close: '</thought>' },
    { open: '<reasoning>', close: '</reasoning>' },
    // Magistral.
    { open: '[THINK]', close: '[/THINK]' },
    // Seed-OSS.
    { open: '<seed:think>', close: '</seed:think>' },
    // gpt-oss (harmony): channels that are not for the reader of the answer.
    { open: '<|channel|>analysis<|message|>', close: '<|end|>' },
    { open: '<|channel|>commentary<|message|>', close: '<|end|>' },
  ],
  toolCalls: [
    // Hermes, Qwen 2.5 and 3 (JSON inside), Qwen 3 Coder (`<function=…>` inside), GLM.
    { open: '<tool_call>', close: '</tool_call>' },
    // Granite.
    { open: '<|tool_call|>', close: '' },
    // Llama 3.1 and later.
    { open: '<|python_tag|>', close: '' },
    // Mistral.
    { open: '[TOOL_CALLS]', close: '' },
    // gpt-oss (harmony).
    { open: '<|channel|>commentary to=', close: '<|call|>' },
  ],
  headers: ['<|start|>assistant', '<|channel|>final<|message|>', '<|channel|>final <|constrain|>json<|message|>'],
  endings: [],
  openedByPrompt: null,
}

interface Family {
  readonly pattern: RegExp
  readonly adds: Partial<AnswerDialect>
}

const FAMILIES: readonly Family[] = [
  {
    pattern: /gpt-?oss/i,
    adds: {
      // What is left of the channel marks where a server prints no special tokens.
      thoughts: [{ open: 'analysis', close: 'assistantfinal' }],
      toolCalls: [{ open: 'to=functions.', close: '<|call|>' }],
      endings: ['<|end|>', '<|return|>', '<|call|>'],
    },
  },
  {
    pattern: /granite/i,
    adds: {
      thoughts: [{ open: 'Here is my thought process:', close: 'Here is my response:' }],
      headers: ['<response>'],
      endings: ['</response>'],
    },
  },
  { pattern: /gemma-?4/i, adds: { thoughts: [{ open: '<|channel>thought', close: '<channel|>' }] } },
  // Their chat templates end the prompt with `<think>`.
  {
    pattern: /deepseek-r1|r1-distill|\bqwq\b|qwen3.*-thinking/i,
    adds: { openedByPrompt: '</think>' },
  },
]
