/** The options of the pattern `buddy`. */
import { z } from 'zod'

export const buddySchema = z
  .strictObject({
    delivery: z
      .enum(['held', 'at_once'])
      .default('held')
      .describe(
        'held: the answer goes out corrected. at_once: a streaming caller gets the local answer before the frontier is asked, and what is corrected as marked events after it; a question that finds nothing leaves the answer, marked degraded.',
      ),
    retriever: z
      .enum(['lexical', 'embedding', 'hybrid'])
      .default('lexical')
      .describe(
        'What finds the passages of a document: its words, vectors of the local model (one reading a passage, which takes seconds on a long document), or both.',
      ),
    windows: z
      .number()
      .int()
      .min(1)
      .max(8)
      .default(2)
      .describe('Passages of four sentences that one question carries.'),
    rounds: z
      .number()
      .int()
      .min(1)
      .max(4)
      .default(3)
      .describe(
        'How often one question is asked, of the next passages each time, while those before did not hold the answer.',
      ),
    questions: z
      .number()
      .int()
      .min(1)
      .max(4)
      .default(4)
      .describe('Spans of one answer that are asked about at once, most doubted first.'),
    unresolved: z
      .enum(['escalate', 'keep'])
      .default('escalate')
      .describe(
        'A question that found nothing: the frontier answers the whole request, or the local answer is kept, marked degraded.',
      ),
    switchOff: z
      .strictObject({
        maxHarm: z
          .number()
          .min(0)
          .max(1)
          .default(0.01)
          .describe('Greatest share of compared answers that were right and that a correction made wrong.'),
        minCompared: z
          .number()
          .int()
          .min(10)
          .default(50)
          .describe(
            'Answers to compare with what the frontier says to the whole request before their plain share decides.',
          ),
      })
      .prefault({})
      .describe(
        'When the task falls back to `cascade` by itself: more harm than this, or a cost per right answer above that of plain escalation, measured on the audit sample (`accept.auditRate`) and on labels. Other options, or another local model, start it again.',
      ),
  })
  .describe(
    'Local answers; of a doubted answer only the span in doubt goes to the frontier, with the question and the passage that may hold it, and what it says is put in by its place.',
  )

export type BuddyOptions = z.output<typeof buddySchema>
