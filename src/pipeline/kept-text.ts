/** What a task keeps of a request's text, and compares later requests with. */
import { excerptForDecision } from '../classify/excerpt.ts'
import { redactPreview } from '../classify/privacy/mask.ts'
import { inputText, type Message } from '../spec/request.ts'

/** Long texts are cut before they are masked; what a decision reads of them lies within. */
const MAX_CHARS = 20_000
/** As much as a decision reads. */
export const KEPT_CHARS = 1500

/** @returns the excerpt that a decision reads, secrets and addresses masked for good */
export function keptText(messages: readonly Message[]): string {
  return excerptForDecision(redactPreview(inputText(messages), MAX_CHARS), KEPT_CHARS)
}
