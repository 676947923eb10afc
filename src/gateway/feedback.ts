/** `POST /v1/feedback`: what became known about an earlier answer. */
import { z } from 'zod'
import { RouterError } from '../spec/errors.ts'
import { LABEL_SOURCES } from '../spec/label.ts'
import { readJsonBody } from './body.ts'
import type { Exchange } from './exchange.ts'
import { sendJson } from './failure.ts'

const bodySchema = z.strictObject({
  request_id: z.string().min(1).max(200),
  source: z.enum(LABEL_SOURCES).default('human'),
  correct: z.boolean().optional(),
  value: z.string().max(100_000).optional(),
})

export async function feedback(exchange: Exchange): Promise<void> {
  const { app, request, response } = exchange
  const parsed = bodySchema.safeParse(await readJsonBody(request, app.settings.maxBodyBytes))
  if (!parsed.success) {
    const issue = parsed.error.issues[0]
    throw new RouterError('request_invalid', {
      path: issue?.path.map(String).join('.') || 'the body',
      problem: issue?.message ?? 'it is no feedback',
      fix: 'Send {"request_id": "…", "source": "human", "correct": true}, or "value" with the right answer.',
    })
  }
  const { request_id: requestId, source, correct, value } = parsed.data
  const label = await app.router.feedback(requestId, {
    source,
    ...(correct !== undefined && { isCorrect: correct }),
    ...(value !== undefined && { value }),
  })
  sendJson(response, 200, { object: 'feedback', request_id: requestId, source, correct: label.isCorrect, at: label.at })
}
