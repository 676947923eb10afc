import { policySchema } from '../src/spec/policy.ts'
import { classify } from '../src/classify/features.ts'
import { findHardStops } from '../src/classify/hard-stops.ts'
import { findPrivate } from '../src/classify/privacy/find.ts'
import { complexityOfText } from '../src/classify/complexity.ts'
import { asksForCodeChange } from '../src/classify/code-change.ts'
import { chatSchema, parseChat, toRouterRequest } from '../src/gateway/openai-wire.ts'
import { readings } from '../src/classify/readings.ts'
import { normalise } from '../src/classify/normalise.ts'
import { splitWords } from '../src/classify/terms.ts'
import { createHash } from 'node:crypto'
const policy: any = policySchema.parse({ models: {}, tasks: { ask: { pattern: 'direct', local: false } } })
const FILLER = 'Route this ticket: the customer cannot reach the page after the change and asks for a copy of the invoice. '
const text = FILLER.repeat(10).slice(0, 900)
const body = { model: 'ask', temperature: 0, max_tokens: 256, messages: [{ role: 'system', content: 'You are a careful support agent. Answer in one sentence.' }, { role: 'user', content: text }] }
const json = JSON.stringify(body)
const request: any = { messages: body.messages, metadata: { task: 'ask' } }
const sha = (t: string) => createHash('sha256').update(t).digest('hex')
function time(name: string, fn: () => unknown, n = 8000) {
  for (let i = 0; i < n / 2; i++) fn()
  let best = 1e9
  for (let r = 0; r < 3; r++) { const c = process.cpuUsage(); for (let i = 0; i < n; i++) fn(); const u = process.cpuUsage(c); best = Math.min(best, (u.user + u.system) / n) }
  console.log(best.toFixed(2).padStart(8), 'us', name)
}
const only = process.argv[2]
const all: [string, () => unknown][] = [
  ['classify', () => classify({ request, policy, sha256: sha })],
  ['findHardStops', () => findHardStops([{ field: 'a', text }], policy.hardStops)],
  ['readings', () => readings(text)],
  ['normalise', () => normalise(text)],
  ['splitWords', () => splitWords(text)],
  ['findPrivate default', () => findPrivate(text, ['secret', 'email', 'phone'])],
  ['findPrivate json', () => findPrivate(json, ['secret'])],
  ['complexity', () => complexityOfText({ text, hasTools: false })],
  ['code-change', () => asksForCodeChange(text)],
  ['zod', () => parseChat(body)],
  ['toRouterRequest', () => toRouterRequest(body as any, body as any, { choice: {}, headers: {} })],
  ['JSON.parse', () => JSON.parse(json)],
  ['JSON.parse reviver', () => JSON.parse(json, (k, v) => (k === '__proto__' ? undefined : v))],
  ['JSON.stringify', () => JSON.stringify(body)],
  ['sha256', () => sha(text)],
]
console.log(policy.privacy.redact, policy.privacy.localOnly)
for (const [n, f] of all) if (!only || n.includes(only)) time(n, f)
