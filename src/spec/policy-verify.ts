/** The task key `verify`: objective checks of an answer. All are off until they are set. */
import { z } from 'zod'
import { duration } from './policy-values.ts'

/** Languages whose syntax is checked in process; every other has a command that does it. */
export const PARSED_LANGUAGES = ['json', 'yaml', 'javascript', 'typescript'] as const
export type ParsedLanguage = (typeof PARSED_LANGUAGES)[number]

const expression = z.string().min(1).max(1000)

export const commandSchema = z.strictObject({
  run: z
    .array(z.string().min(1))
    .min(1)
    .max(64)
    .describe('Program and arguments; no shell reads them. Exit code 0 accepts the answer.'),
  file: z
    .string()
    .regex(/^[\w-][\w.-]*(\/[\w-][\w.-]*)*$/, 'is not a plain path inside the working directory')
    .default('answer')
    .describe("The answer's code in the working directory, or the whole answer when it has no code block."),
  folder: z
    .string()
    .min(1)
    .optional()
    .describe('A folder beside the policy file, for example of tests, that is copied into the working directory.'),
  timeout: duration.default(10_000).describe('Then it is ended with everything it started, and the answer rejected.'),
  memoryMb: z
    .number()
    .int()
    .min(16)
    .max(65_536)
    .default(512)
    .describe('Linux: memory of all its processes together, in MB of 1,000,000 bytes; more ends it.'),
  maxOutputBytes: z
    .number()
    .int()
    .min(0)
    .max(10_485_760)
    .default(65_536)
    .describe('What it may write to standard output and error together; more ends it. Nothing of it is kept.'),
  isolation: z
    .enum(['required', 'preferred'])
    .default('preferred')
    .describe(
      'required: without user namespaces it is not run, and nothing is accepted. preferred: it is run within the limits alone, which are no security boundary. `spillway doctor` says what this machine has.',
    ),
})

export const verifySchema = z.strictObject({
  matches: z
    .array(expression)
    .max(32)
    .default([])
    .describe('Regular expressions (JavaScript, flag u) each of which must be found in the answer.'),
  lacks: z.array(expression).max(32).default([]).describe('Regular expressions none of which may be found in it.'),
  parses: z
    .enum(PARSED_LANGUAGES)
    .optional()
    .describe('Its code blocks, or the whole answer when it has none, must be of this syntax.'),
  citations: z
    .strictObject({
      min: z.number().int().min(0).max(100).default(1).describe('Least number of citations.'),
      minWords: z
        .number()
        .int()
        .min(1)
        .max(100)
        .default(3)
        .describe('A quotation of fewer words is a name or a term, and not checked.'),
      fields: z
        .array(z.string().min(1))
        .min(1)
        .optional()
        .describe('JSON: keys, with dots for depth, whose texts are the citations, in place of quotation marks.'),
    })
    .optional()
    .describe('What the answer quotes must stand word for word in the text of the request.'),
  edits: z
    .boolean()
    .default(false)
    .describe(
      'The answer must hold a unified diff or search-and-replace edits, and each must apply cleanly to the text of the request.',
    ),
  command: commandSchema
    .optional()
    .describe(
      'A program that decides, for example a compiler or a unit test. It runs what a model wrote; see the guide.',
    ),
})

export type VerifyPolicy = z.output<typeof verifySchema>
