/** The recipe of docs/guides/agents.md with the real `openai` client: a frontier drives, a model at home reads for it. */
import OpenAI from 'openai'
import { afterEach, describe, expect, it } from 'vitest'
import { scriptedModel } from '../../../src/testing.ts'
import { openAiText, openAiToolCalls } from '../../support/cloud-answers.ts'
import { closeAll, type GatewayOnCloud, gatewayOnCloud } from '../../support/gateway-on-cloud.ts'

afterEach(closeAll)

const DOCUMENT = 'Ledger of the harbour: Amalia Brandt paid 412 for berth 7, Jonas Wirth owes 90 for berth 9.'
const SUMMARY = 'One berth is paid, one is not.'

const DELEGATE: OpenAI.ChatCompletionFunctionTool = {
  type: 'function',
  function: {
    name: 'ask_reader',
    description: 'Asks a reader that has the ledger; it answers in a sentence.',
    parameters: { type: 'object', properties: { question: { type: 'string' } }, required: ['question'] },
  },
}

/** Drives until the model calls no tool any more; the reader has a context of its own. */
async function drive(client: OpenAI, question: string): Promise<string> {
  const messages: OpenAI.ChatCompletionMessageParam[] = [{ role: 'user', content: question }]
  for (let turn = 0; turn < 5; turn++) {
    const { choices } = await client.chat.completions.create({ model: 'drive', messages, tools: [DELEGATE] })
    const message = choices[0]?.message
    if (!message?.tool_calls) return message?.content ?? ''
    messages.push(message)
    for (const call of message.tool_calls) {
      if (call.type !== 'function') continue
      const { question: asked } = JSON.parse(call.function.arguments) as { question: string }
      messages.push({ role: 'tool', tool_call_id: call.id, content: await read(client, asked) })
    }
  }
  throw new Error('the agent goes round in circles')
}

async function read(client: OpenAI, question: string): Promise<string> {
  const { choices } = await client.chat.completions.create({
    model: 'read',
    messages: [{ role: 'user', content: `${DOCUMENT}\n\n${question}` }],
  })
  return choices[0]?.message.content ?? ''
}

async function opened(): Promise<{ readonly on: GatewayOnCloud; readonly client: OpenAI }> {
  const small = scriptedModel({ name: 'small', answers: () => SUMMARY })
  const on = await gatewayOnCloud({
    policy: {
      models: { small: { provider: 'embedded', model: 'smollm2-135m-instruct', tier: 'local_fast' } },
      tasks: {
        drive: { pattern: 'direct', local: false, frontier: ['big'] },
        read: {
          kind: 'text',
          local: ['small'],
          frontier: false,
          stage: 'accept',
          accept: { uncalibrated: true },
          gates: { entropyNats: null },
        },
      },
    },
    router: { models: { small } },
  })
  return { on, client: new OpenAI({ apiKey: on.gateway.key, baseURL: `${on.gateway.url}/v1`, maxRetries: 0 }) }
}

describe('an agent that a frontier drives', () => {
  it('asks a model at home as its reader, and only what the reader says goes out', async () => {
    const { on, client } = await opened()
    const call = { id: 'call_r1', name: 'ask_reader', arguments: '{"question":"Is everything paid?"}' }
    on.cloud.enqueue(openAiToolCalls([call]), openAiText('No: one berth is open.'))
    expect(await drive(client, 'Is the harbour paid?')).toBe('No: one berth is open.')
    expect(on.cloud.requests).toHaveLength(2)
    const out = on.cloud.requests.map(({ text }) => text).join('\n')
    expect(out).toContain(SUMMARY)
    expect(out).not.toMatch(/Amalia|Wirth|412/)
    const records = on.router.audit({})
    expect(records.map(({ task, decision }) => `${task} ${decision?.model}`).toSorted()).toEqual([
      'drive big',
      'drive big',
      'read small',
    ])
    expect(records.filter(({ task }) => task === 'read').every(({ egress }) => egress.length === 0)).toBe(true)
    expect(records.find(({ continues }) => continues)).toMatchObject({
      task: 'drive',
      continues: { because: 'tool_loop' },
    })
  })

  it('hears of a reader that cannot answer, and nothing of what it read goes out', async () => {
    const { on, client } = await opened()
    await expect(
      client.chat.completions.create({
        model: 'read',
        messages: [{ role: 'user', content: `${DOCUMENT}\n\nCVE-2024-3094 is a vulnerability: is the ledger safe?` }],
      }),
    ).rejects.toMatchObject({ status: 409, code: 'held_for_human' })
    expect(on.cloud.requests).toHaveLength(0)
  })
})
