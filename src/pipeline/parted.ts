/** The steps of a large request take their share of the event loop one by one, so that others are answered in between. */
import { setImmediate } from 'node:timers/promises'
import type { ModelCall } from '../spec/ports.ts'

/** Bytes; below, all steps together take a few milliseconds. */
const LARGE = 65_536

/** Between two steps of a request. */
export function partSteps({ messages, wire }: Pick<ModelCall, 'messages' | 'wire'>): Promise<void> | undefined {
  return letOthersIn(wire?.bytes ?? charsOf(messages))
}

/** Between two steps of something that has so many bytes or characters; nothing where that is little. */
export function letOthersIn(size: number): Promise<void> | undefined {
  return size > LARGE ? setImmediate() : undefined
}

function charsOf(messages: ModelCall['messages']): number {
  return messages.reduce((sum, { content }) => sum + (typeof content === 'string' ? content.length : LARGE), 0)
}
