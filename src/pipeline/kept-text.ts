/** What a task keeps of a request's text, and compares later requests with. */
import { excerptForDecision } from '../classify/excerpt.ts'
import type { FindPrivate } from '../classify/privacy/find.ts'
import { redactPreview } from '../classify/privacy/mask.ts'
import { inputText, type Message } from '../spec/request.ts'

/** Long texts are cut before they are masked; what a decision reads of them lies within. */
const MAX_CHARS = 20_000
/** As much as a decision reads. */
export const KEPT_CHARS = 1500

/** @returns the excerpt that a decision reads, secrets and addresses masked for good. @throws what `find` throws */
export function keptText(messages: readonly Message[], find?: FindPrivate): string {
  return excerptForDecision(redactPreview(inputText(messages), MAX_CHARS, find && { find }), KEPT_CHARS)
}
