/** Task keys of the gates that ask for more evidence: agreement, judge, quality, stopCheck. All are off until they are set. */
import { z } from 'zod'
import { HARD_STOP_KINDS } from './decision.ts'

/** In place of a model's name: the model that gave the answer is asked again. */
export const SELF = 'self'

const share = z.number().min(0).max(1)

const greyZone = z
  .strictObject({
    from: share
      .default(0)
      .describe('An answer with a score below this is rejected (`confidence_low`), nobody is asked.'),
    to: share.default(0.9).describe('An answer with a score above this is accepted, nobody is asked.'),
  })
  .prefault({})
  .describe(
    'Scores, ends included, in which a second opinion is asked for: calibrated score, else probability of the option, else mean token probability. A score that is not known lies inside.',
  )

export const agreementSchema = z.strictObject({
  with: z
    .union([z.string().min(1), z.array(z.string().min(1)).min(1)])
    .default(SELF)
    .transform((value) => (typeof value === 'string' ? [value] : value))
    .describe(
      'Local models that answer the same question, each once; `self`: samples of the same model. Where none of the models can be used (memory, failures), written answers are sampled.',
    ),
  samples: z.number().int().min(1).max(10).default(3).describe('How often the same model is asked again.'),
  temperature: z.number().min(0.01).max(2).default(0.7).describe('Of these samples.'),
  greyZone,
  equality: z
    .enum(['exact', 'numeric', 'semantic'])
    .default('exact')
    .describe(
      'exact: but for case, spaces, punctuation and articles. numeric: the last number and its unit. semantic: embeddings of a local model; other numbers, names or negations never are equal.',
    ),
  tolerance: z.number().min(0).max(0.5).default(0.000001).describe('numeric: relative difference that still is equal.'),
  minSimilarity: share.default(0.98).describe('semantic: least cosine of the embeddings of two equal answers.'),
  minShare: share
    .default(0.6)
    .describe(
      'Least share of the other answers that are equal to the answer; fewer: `disagreement`. 0 leaves the verdict to maxSemanticEntropyNats.',
    ),
  maxSemanticEntropyNats: z
    .number()
    .min(0)
    .nullable()
    .default(null)
    .describe('Most semantic entropy of the other answers, in clusters of equal ones (nats). null: not checked.'),
})

export const judgeSchema = z.strictObject({
  by: z.string().min(1).default(SELF).describe('The model that judges; `self`: the one that gave the answer.'),
  votes: z
    .number()
    .int()
    .min(1)
    .max(8)
    .default(2)
    .describe('Wordings and orders of the options that are averaged over.'),
  prompt: z
    .union([z.string().min(1), z.array(z.string().min(1)).min(1)])
    .transform((value) => (typeof value === 'string' ? [value] : value))
    .optional()
    .describe('Questions about an answer to which yes is good, in place of the built-in wordings.'),
  shots: z
    .array(z.strictObject({ question: z.string(), answer: z.string(), correct: z.boolean() }))
    .max(16)
    .default([])
    .describe('Worked examples for the judge.'),
  minProbability: share
    .default(0.6)
    .describe(
      'Least mean probability of yes; less: `judge_rejected`. A judge that says the same to every question comes to 0.5.',
    ),
  greyZone,
})

export const qualitySchema = z.strictObject({
  threshold: share.default(0.7).describe('Least confidence of the weighted check; less: `judge_rejected`.'),
  weights: z
    .strictObject({
      format: share.default(0.3).describe('Lost when the format is wrong; such an answer is rejected in any case.'),
      completeness: share.default(0.2).describe('Lost when the answer is too short or lacks a required field.'),
      coherence: share.default(0.3).describe('Lost in whole for a contradiction, in part for claims without support.'),
      selfCritique: share
        .default(0.2)
        .describe('Lost when a model says that the answer is not valid. It is asked only where this decides.'),
    })
    .prefault({}),
  refusalPenalty: share.default(0.4).describe('Lost for a refusal, in place of coherence.'),
  minChars: z.number().int().min(0).default(1).describe('A shorter answer is incomplete.'),
  requiredFields: z
    .array(z.string().min(1))
    .default([])
    .describe('JSON: keys, with dots for depth, that hold something. Text: terms that stand in it.'),
  support: z
    .enum(['request', 'none'])
    .default('request')
    .describe('request: numbers and names of the answer must stand in the text it is about, where there is one.'),
  by: z
    .string()
    .min(1)
    .default(SELF)
    .describe('The local model that criticises; `self`: the one that gave the answer.'),
})

export const stopCheckSchema = z.strictObject({
  task: z
    .string()
    .min(1)
    .describe('A task of kind boolean that puts the question to which yes stops; its prompt and head are used.'),
  kind: z.enum(HARD_STOP_KINDS).describe('The hard stop that a yes is: its reason is `hard_stop_<kind>`.'),
  harmless: z
    .string()
    .min(1)
    .optional()
    .describe(
      'JSON Lines of {"text"} beside the policy file: ordinary inputs of the task that must not stop. Without enough of them the check is off.',
    ),
  maxFalseStopRate: z
    .number()
    .min(0.002)
    .max(0.5)
    .default(0.02)
    .describe('Greatest share of harmless texts that may be stopped; 0.02 needs 49 of them, 0.01 needs 99.'),
  onFailure: z
    .enum(['reject', 'accept'])
    .default('reject')
    .describe(
      'When the model cannot be asked. reject: the local answer is not accepted (`signal_unavailable`). accept: terms alone decide.',
    ),
})
