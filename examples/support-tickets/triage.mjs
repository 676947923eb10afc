/** Topic and urgency of each ticket: `node triage.mjs <tickets.jsonl> [--policy spillway.yaml]`. One JSON line a ticket. */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { createRouter, RouterError } from 'spillway'

const { values, positionals } = parseArgs({ allowPositionals: true, options: { policy: { type: 'string' } } })
const [file] = positionals
if (file === undefined) {
  console.error('usage: node triage.mjs <tickets.jsonl> [--policy spillway.yaml]')
  process.exit(2)
}

const policy = values.policy ?? fileURLToPath(new URL('spillway.yaml', import.meta.url))
const router = createRouter({ policy })
try {
  for (const line of readFileSync(file, 'utf8').split('\n')) {
    if (line.trim() === '') continue
    const { id, text } = JSON.parse(line)
    const [topic, urgent] = [await asked('topic', text), await asked('urgent', text)]
    console.log(JSON.stringify({ id, topic: topic.value, urgent: urgent.value, routes: [topic.route, urgent.route] }))
  }
} finally {
  await router.close()
}

/** A ticket that may not be answered here waits for a person; it goes nowhere else. */
async function asked(task, input) {
  try {
    const { value, decision } = await router.decide({ task, input })
    return { value, route: decision.route }
  } catch (error) {
    if (!(error instanceof RouterError)) throw error
    return { value: null, route: error.code }
  }
}
