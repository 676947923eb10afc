/** `node ask.mjs <document> <question> [further questions] [--policy spillway.yaml]`. One JSON line a question. */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { createRouter } from 'spillway'

const { values, positionals } = parseArgs({ allowPositionals: true, options: { policy: { type: 'string' } } })
const [file, ...questions] = positionals
if (file === undefined || questions.length === 0) {
  console.error('usage: node ask.mjs <document> <question> [further questions] [--policy spillway.yaml]')
  process.exit(2)
}

const policy = values.policy ?? fileURLToPath(new URL('spillway.yaml', import.meta.url))
const router = createRouter({ policy })
try {
  const document = readFileSync(file, 'utf8')
  for (const question of questions) {
    const { value, reading, decision } = await router.decide({ task: 'find', input: question, document })
    const span = reading?.kind === 'span' ? reading.span : null
    console.log(
      JSON.stringify({
        question,
        answer: value,
        from: span?.start ?? null,
        to: span?.end ?? null,
        route: decision.route,
        reason: decision.reason,
      }),
    )
  }
} finally {
  await router.close()
}
