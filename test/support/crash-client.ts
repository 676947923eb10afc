/** A program for the crash tests: keeps eight requests under way, streamed and whole, until it is killed. */
import { createRouter } from '../../src/compose.ts'

const [stateDir = '', baseUrl = '', round = ''] = process.argv.slice(2)
const paths = { configDir: stateDir, dataDir: stateDir, cacheDir: stateDir, stateDir }
const router = createRouter({
  policy: {
    models: { big: { provider: 'openai', model: 'gpt-4.1-nano', tier: 'frontier', baseUrl, apiKey: '${env:KEY}' } },
    tasks: { direct: { pattern: 'direct', local: false } },
    defaults: { task: 'direct' },
  },
  env: { KEY: 'k' },
  paths,
})

// Only a process that ends by itself leaves what it compiled to the next ones.
if (round === 'warm') {
  await router.close()
  process.exit(0)
}

let count = 0
async function lane(number: number): Promise<never> {
  for (;;) {
    const id = `${round}-${number}-${count++}`
    const request = { id, messages: [{ role: 'user' as const, content: `marker ${id}` }] }
    if (count % 2 === 0) await router.complete(request)
    else for await (const _ of router.stream(request));
  }
}

await Promise.all(Array.from({ length: 8 }, (_, number) => lane(number)))
