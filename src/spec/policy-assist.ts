/** The task key `assist`: long texts are made shorter here before a frontier reasons about them. Off until it is set. */
import { z } from 'zod'

export const assistSchema = z.strictObject({
  by: z
    .enum(['rules', 'local'])
    .default('rules')
    .describe(
      'rules: repeated lines and frames of libraries are described instead of sent; everything else stays as it is. local: a local model also says in two sentences what it reads.',
    ),
  minChars: z.number().int().min(200).max(10_000_000).default(800).describe('Shorter texts are sent as they are.'),
  minSaved: z
    .number()
    .min(0.05)
    .max(0.95)
    .default(0.2)
    .describe('A digest that saves a smaller share of the characters is not used.'),
  source: z
    .enum(['onRequest', 'never'])
    .default('onRequest')
    .describe(
      'onRequest: the frontier may ask for lines word for word, once; its answer is then held until it is clear that it did not. never: the answer is passed on as it comes.',
    ),
  maxSourceLines: z.number().int().min(1).max(10_000).default(200).describe('Lines that it gets at most.'),
})

export type AssistPolicy = z.output<typeof assistSchema>
