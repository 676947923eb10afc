/**
 * A small agent with two tools: one asks a model, one fetches an address. It prints what became of each.
 *
 *   node agent.mjs [--try <url>]…
 */
import { parseArgs } from 'node:util'

const { values } = parseArgs({ options: { try: { type: 'string', multiple: true, default: [] } } })

const TOOLS = {
  /** As SDKs do it: the address and the key are in the environment. */
  async ask(question) {
    const response = await fetch(`${process.env.OPENAI_BASE_URL}/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${process.env.OPENAI_API_KEY}`, 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'auto', messages: [{ role: 'user', content: question }] }),
    })
    const { choices, error, spillway } = await response.json()
    return error ? `refused: ${error.message}` : `${choices[0].message.content} (${spillway.route})`
  },
  /** As a tool that somebody wrote in a hurry does it: past everything. */
  async fetch(address) {
    const response = await fetch(address, { signal: AbortSignal.timeout(5000) })
    return `reached: ${response.status}`
  },
}

const plan = [['ask', 'What is 12.5% of 480?'], ...values.try.map((address) => ['fetch', address])]
for (const [tool, input] of plan) {
  const result = await TOOLS[tool](input).catch((error) => `failed: ${error.cause?.code ?? error.name}`)
  console.log(JSON.stringify({ tool, input, result }))
}
