/** Refuses what would mean something else in the dialect of the model. */
import { RouterError } from '../spec/errors.ts'
import { notCarried, type Target } from '../spec/translation.ts'
import type { CallersWire } from '../spec/wire.ts'

/** @throws RouterError `request_invalid`, naming the field that the dialect cannot carry */
export function requireCarried(wire: CallersWire | undefined, target: Target): void {
  const first = wire === undefined ? undefined : notCarried(wire, target).refused[0]
  if (first === undefined) return
  throw new RouterError('request_invalid', {
    path: first,
    problem: `it cannot be sent to a model of provider ${target.dialect === 'openai_chat' ? 'openai' : 'anthropic'}`,
    fix: 'Leave it out, or route the task to a model of the provider that knows it. See docs/reference/translation.md.',
  })
}
