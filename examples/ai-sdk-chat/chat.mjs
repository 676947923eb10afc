/** A chat on the terminal: `node chat.mjs [--policy spillway.yaml]`. One question a line; an empty line or Ctrl-D ends it. */
import { createInterface } from 'node:readline/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { streamText } from 'ai'
import { createSpillway } from 'spillway/ai-sdk'

const { values } = parseArgs({ options: { policy: { type: 'string' } } })
const policy = values.policy ?? fileURLToPath(new URL('spillway.yaml', import.meta.url))
const spillway = createSpillway({ policy })
const lines = createInterface({ input: process.stdin, crlfDelay: Infinity })

const messages = []
prompt()
for await (const line of lines) {
  if (line.trim() === '') break
  messages.push({ role: 'user', content: line })
  await answer()
  prompt()
}
lines.close()
await spillway.close()

/** Beside the answers, which may go into a file. */
function prompt() {
  process.stderr.write('> ')
}

async function answer() {
  let failure = null
  const onError = ({ error }) => {
    failure = error
  }
  const result = streamText({ model: spillway('auto'), messages, onError })
  let text = ''
  for await (const piece of result.textStream) {
    text += piece
    process.stdout.write(piece)
  }
  if (failure) {
    // What was not answered is no part of the conversation.
    messages.pop()
    console.error(failure.message)
    return
  }
  messages.push({ role: 'assistant', content: text })
  const { route, reason, model, costUsd } = (await result.providerMetadata).spillway
  console.log(
    `\n(${[route, model, reason, costUsd === null ? 'cost unknown' : `${costUsd} USD`].filter(Boolean).join(', ')})`,
  )
}
