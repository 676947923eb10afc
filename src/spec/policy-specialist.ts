/** Options of the pattern `specialist`. */
import { z } from 'zod'

/** What a request asks for that the local models of a task may lack. */
export const SPECIALITIES = ['large_input', 'image', 'maths', 'code', 'capability'] as const
export type Speciality = (typeof SPECIALITIES)[number]

export const specialistSchema = z
  .strictObject({
    on: z
      .array(z.enum(SPECIALITIES))
      .min(1)
      .default([...SPECIALITIES])
      .describe(
        'What calls the specialist. large_input: longer than maxInputChars or than the window of the local model. image: an image part. maths: symbolic mathematics. code: code or a change of it. capability: anything else that no local model of the task can do, such as tools.',
      ),
    by: z
      .string()
      .min(1)
      .default('frontier')
      .describe('Who is called: `frontier`, or a model of the task by its name.'),
    bySpeciality: z
      .partialRecord(z.enum(SPECIALITIES), z.string().min(1))
      .default({})
      .describe('Somebody else for some of them, for example `{ maths: maths-7b, image: vision }`.'),
    context: z
      .enum(['full', 'summary', 'scratchpad'])
      .default('full')
      .describe(
        'What the specialist is given beside the question. full: all of it. summary: what a local model says in short. scratchpad: its notes of goal, facts and open points.',
      ),
    maxContextTokens: z.number().int().min(32).max(8192).default(400).describe('Cap of one summary or scratchpad.'),
    windowChars: z
      .number()
      .int()
      .min(500)
      .max(1_000_000)
      .default(6000)
      .describe('Longer contexts are summarised in windows of so many characters, at most 16.'),
    subtask: z
      .string()
      .min(1)
      .optional()
      .describe(
        'A task that is asked for the summary in place of the local model. It runs as a request of its own, with its own pattern and record.',
      ),
    maxDepth: z.number().int().min(1).max(5).default(2).describe('How deep subtasks may call subtasks.'),
  })
  .describe('What the local models of a task lack goes to one who has it; the rest goes the way of a cascade.')

export type SpecialistOptions = z.output<typeof specialistSchema>
