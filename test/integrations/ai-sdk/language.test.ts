/** `spillway/ai-sdk` under the real `ai` 7 and `ai` 6, over both doors: texts, streams, tools, objects, failures. Only the cloud is scripted. */
import * as ai7 from 'ai'
import * as ai6 from 'ai-6'
import { afterEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { type DoorName, openDoor } from '../../support/ai-sdk-doors.ts'
import { openAiError, openAiFrames, openAiStream, openAiText, openAiToolCalls } from '../../support/cloud-answers.ts'
import { closeAll } from '../../support/gateway-on-cloud.ts'
import { eventStream } from '../../support/scripted-cloud.ts'

afterEach(closeAll)

/** What is used of both majors is alike, but for the types of their versions of the specification. */
const MAJORS = { 'ai 7': ai7 as unknown as typeof ai6, 'ai 6': ai6 } as const
const VERSIONS = { 'ai 7': 'v4', 'ai 6': 'v3' } as const
const DOORS: readonly DoorName[] = ['a router', 'a gateway']
const CASES = DOORS.flatMap((door) => (['ai 7', 'ai 6'] as const).map((major) => ({ major, door })))

const READING = z.object({ city: z.string(), degrees: z.number().int() })
const PROMPT = 'Weather in Rome?'

describe.each(CASES)('$major through $door', ({ major, door }) => {
  const ai = MAJORS[major]
  const open = () => openDoor(door, VERSIONS[major] as 'v3')
  const weather = (seen: unknown[] = []) =>
    ai.tool({
      description: 'The weather of a city.',
      inputSchema: z.object({ city: z.string() }),
      execute: async (input) => {
        seen.push(input)
        return { sky: 'clear' }
      },
    })

  it('generates a text, and says who answered, why and for how much', async () => {
    const { spillway, cloud } = await open()
    cloud.enqueue(openAiText('Sunny.', { usage: { input: 100, output: 10 } }))
    const { text, usage, finishReason, providerMetadata, response } = await ai.generateText({
      model: spillway('auto'),
      system: 'Be short.',
      prompt: PROMPT,
      temperature: 0.5,
      maxOutputTokens: 50,
      providerOptions: { spillway: { tenant: 'acme' } },
    })
    expect([text, finishReason, usage.inputTokens, usage.outputTokens]).toEqual(['Sunny.', 'stop', 100, 10])
    expect(providerMetadata?.spillway).toMatchObject({
      requestId: expect.stringMatching(/^[\da-f-]{36}$/),
      route: 'frontier',
      reason: 'policy_requires_frontier',
      model: 'big',
      task: 'direct',
      costUsd: (100 * 10 + 10 * 20) / 1e6,
    })
    expect(response.modelId).toBe('scripted-1')
    expect(cloud.requests[0]?.body).toMatchObject({
      model: 'gpt-4.1-nano',
      temperature: 0.5,
      max_tokens: 50,
      messages: [
        { role: 'system', content: 'Be short.' },
        { role: 'user', content: PROMPT },
      ],
    })
    expect(cloud.requests[0]?.body).not.toHaveProperty('metadata')
  })

  it('streams a text piece by piece, with the decision at its end', async () => {
    const { spillway, cloud } = await open()
    cloud.enqueue(openAiStream(['Sun', 'ny', '.']))
    const result = ai.streamText({ model: spillway('auto'), prompt: PROMPT })
    const pieces: string[] = []
    for await (const piece of result.textStream) pieces.push(piece)
    expect(pieces).toEqual(['Sun', 'ny', '.'])
    expect([(await result.usage).outputTokens, await result.finishReason]).toEqual([7, 'stop'])
    expect((await result.providerMetadata)?.spillway).toMatchObject({
      route: 'frontier',
      model: 'big',
      costUsd: 0.00025,
    })
  })

  it('hands thoughts over apart from the text', async () => {
    const { spillway, cloud } = await open()
    cloud.enqueue(
      eventStream(
        openAiFrames([{ reasoning_content: 'Rome is' }, { reasoning_content: ' south.' }, { content: 'Sunny.' }]),
      ),
    )
    const result = ai.streamText({ model: spillway('auto'), prompt: PROMPT })
    await result.consumeStream()
    expect([await result.reasoningText, await result.text]).toEqual(['Rome is south.', 'Sunny.'])
  })

  it.each(['whole', 'streamed'])('calls tools over several steps (%s)', async (form) => {
    const { spillway, cloud } = await open()
    cloud.enqueue(
      openAiToolCalls([{ id: 'call_1', name: 'weather', arguments: '{"city":"Rome"}' }]),
      openAiText('It is clear in Rome.'),
    )
    const seen: unknown[] = []
    const asked = {
      model: spillway('auto'),
      prompt: PROMPT,
      tools: { weather: weather(seen) },
      toolChoice: 'auto' as const,
      stopWhen: ai.stepCountIs(3),
    }
    const text = form === 'whole' ? (await ai.generateText(asked)).text : await ai.streamText(asked).text
    expect([text, seen]).toEqual(['It is clear in Rome.', [{ city: 'Rome' }]])
    expect(cloud.requests[0]?.body).toMatchObject({
      tool_choice: 'auto',
      tools: [{ type: 'function', function: { name: 'weather', parameters: { required: ['city'] } } }],
    })
    expect(cloud.requests[1]?.body.messages).toMatchObject([
      { role: 'user', content: PROMPT },
      { role: 'assistant', tool_calls: [{ id: 'call_1', function: { arguments: '{"city":"Rome"}' } }] },
      { role: 'tool', tool_call_id: 'call_1', content: '{"sky":"clear"}' },
    ])
  })

  it('gives objects of a schema, whole and as they grow', async () => {
    const { spillway, cloud } = await open()
    cloud.otherwise(openAiText('{"city":"Rome","degrees":21}'))
    const model = spillway('auto')
    const { output } = await ai.generateText({ model, prompt: PROMPT, output: ai.Output.object({ schema: READING }) })
    expect(output).toEqual({ city: 'Rome', degrees: 21 })
    expect(cloud.requests[0]?.body.response_format).toMatchObject({
      type: 'json_schema',
      json_schema: { schema: { required: ['city', 'degrees'] } },
    })
    expect((await ai.generateObject({ model, prompt: PROMPT, schema: READING })).object.degrees).toBe(21)
    const grown: unknown[] = []
    for await (const part of ai.streamObject({ model, prompt: PROMPT, schema: READING }).partialObjectStream)
      grown.push(part)
    expect(grown.at(-1)).toEqual(output)
  })

  it('sends images as they are', async () => {
    const { spillway, cloud } = await open()
    cloud.enqueue(openAiText('A dam.'))
    const pixel = Buffer.from('89504e470d0a1a0a', 'hex')
    const content = [
      { type: 'text' as const, text: 'What is this?' },
      { type: 'file' as const, data: pixel, mediaType: 'image/png' },
    ]
    await ai.generateText({ model: spillway('auto'), messages: [{ role: 'user', content }] })
    expect(cloud.requests[0]?.body.messages).toMatchObject([
      {
        content: [
          { type: 'text' },
          { type: 'image_url', image_url: { url: `data:image/png;base64,${pixel.toString('base64')}` } },
        ],
      },
    ])
  })

  it('stops the call of the model when its caller does', async () => {
    const { spillway, cloud, router } = await open()
    cloud.enqueue(openAiStream(['Sun'], {}), 'hang')
    await ai.streamText({ model: spillway('auto'), prompt: PROMPT }).text
    const gone = new AbortController()
    const asked = ai.generateText({ model: spillway('auto'), prompt: PROMPT, abortSignal: gone.signal, maxRetries: 0 })
    const request = await cloud.request(1)
    gone.abort()
    await expect(asked).rejects.toThrow(/abort/i)
    await request.closed
    await expect.poll(() => router.audit({ newestFirst: true })[0]?.error).toBe('cancelled')
  })

  it('fails as a call of an API, which says how to go on', async () => {
    const { spillway, cloud } = await open()
    cloud.otherwise(openAiError(401, 'no such key'))
    const error = await ai.generateText({ model: spillway('auto'), prompt: PROMPT }).catch((thrown: unknown) => thrown)
    if (!ai.APICallError.isInstance(error)) throw new Error('not an error of the SDK', { cause: error })
    expect(error).toMatchObject({ statusCode: 502, isRetryable: false, data: { code: 'model_auth_failed' } })
    expect(error.data).toMatchObject({ fix: expect.any(String), requestId: expect.any(String) })
    expect(error.message).toContain('big')
    expect(cloud.requests).toHaveLength(1)
  })

  it('tells a break in the middle of a stream as an error, and never as an end', async () => {
    const { spillway, cloud } = await open()
    cloud.enqueue(eventStream(openAiFrames([{ content: 'cut' }]).slice(0, 2), { end: 'reset' }))
    const parts: string[] = []
    const result = ai.streamText({ model: spillway('auto'), prompt: PROMPT, maxRetries: 0, onError: () => {} })
    for await (const part of result.fullStream) parts.push(part.type)
    expect(parts).toContain('text-delta')
    expect(parts).toContain('error')
    await expect(result.finishReason.then((reason) => reason)).resolves.not.toBe('stop')
  })

  it('holds what nobody may answer, with the id to ask for it', async () => {
    const { spillway, cloud, router } = await open()
    const asked = ai.generateText({
      model: spillway('auto'),
      prompt: 'Secret plans.',
      providerOptions: { spillway: { partition: 'local_only' } },
    })
    const error = await asked.catch((thrown: unknown) => thrown)
    expect(ai.APICallError.isInstance(error)).toBe(true)
    expect(error).toMatchObject({ statusCode: 409, isRetryable: false, data: { code: 'privacy_local_only' } })
    expect(cloud.requests).toHaveLength(0)
    expect(router.audit({})).toHaveLength(1)
  })

  it('takes names of tasks and models, limits of a call, and no key that nothing reads', async () => {
    const { spillway, cloud, router } = await open()
    cloud.otherwise(openAiText('Sunny.'))
    await ai.generateText({ model: spillway('big'), prompt: PROMPT })
    const [record] = router.audit({})
    expect(record?.decision?.model).toBe('big')
    const limited = (options: Record<string, string | number>) =>
      ai.generateText({
        model: spillway('auto'),
        prompt: PROMPT,
        maxRetries: 0,
        providerOptions: { spillway: options },
      })
    await expect(limited({ maxCostUsd: 0 })).rejects.toThrow(/budget/i)
    await expect(limited({ tenent: 'acme' })).rejects.toThrow('Did you mean tenant?')
  })
})

describe('a provider over a router', () => {
  it('refuses a name that the policy does not have', async () => {
    const { spillway } = await openDoor('a router', 'v4')
    const asked = ai7.generateText({ model: spillway('gpt-9'), prompt: PROMPT })
    await expect(asked).rejects.toThrow(/no model gpt-9/i)
  })
})

describe('a provider over a gateway', () => {
  it('says when there is none, and that a key is wrong', async () => {
    const { createSpillway } = await import('../../../src/ai-sdk.ts')
    const nobody = createSpillway({ baseURL: 'http://127.0.0.1:9' })
    const asked = (spillway: typeof nobody) =>
      ai7.generateText({ model: spillway('auto'), prompt: PROMPT, maxRetries: 0 })
    await expect(asked(nobody)).rejects.toThrow(/cannot be reached.*spillway serve/)
    const { gateway } = await openDoor('a gateway', 'v4')
    const stranger = createSpillway({ baseURL: gateway.url, apiKey: 'spw_wrong' })
    await expect(asked(stranger)).rejects.toMatchObject({ statusCode: 401, data: { code: 'unauthorized' } })
  })
})
