/** Vectors, decisions and rankings under the real `ai` 7 and `ai` 6, over both doors. */
import * as ai7 from 'ai'
import * as ai6 from 'ai-6'
import { afterEach, describe, expect, it } from 'vitest'
import { type DoorName, openDoor } from '../../support/ai-sdk-doors.ts'
import { openAiText } from '../../support/cloud-answers.ts'
import { closeAll } from '../../support/gateway-on-cloud.ts'

afterEach(closeAll)

const DOORS: readonly DoorName[] = ['a router', 'a gateway']
const vectors = (text: string): readonly number[] => [text.length, 3, 4]

describe.each(DOORS)('through %s', (door) => {
  it('embeds one value and many, of length 1', async () => {
    const seven = await openDoor(door, 'v4', { vectors })
    const { embeddings, usage, providerMetadata } = await ai7.embedMany({
      model: seven.spillway.embeddingModel('vectors'),
      values: ['', 'abcdefghijkl'].map((value) => `x${value}`),
    })
    expect(embeddings.map((vector) => Math.hypot(...vector))).toEqual([expect.closeTo(1, 10), expect.closeTo(1, 10)])
    expect(usage.tokens).toBeGreaterThan(0)
    expect(providerMetadata?.spillway).toMatchObject({ route: 'local', model: 'small', costUsd: 0 })
    const six = await openDoor(door, 'v3', { vectors })
    const { embedding } = await ai6.embed({ model: six.spillway.textEmbeddingModel('vectors'), value: 'x' })
    expect(embedding).toHaveLength(3)
  })

  it('reads decisions from the distribution of the local model', async () => {
    const { spillway } = await openDoor(door, 'v4', {
      decisions: ({ options }) => ({
        probabilities: Object.fromEntries(
          options.map((option, index) => [option, index === 0 ? 0.8 : 0.2 / (options.length - 1)]),
        ),
      }),
    })
    const { answers, providerMetadata, warnings } = await ai7.experimental_decide({
      model: spillway.decisionModel('triage'),
      state: 'It crashes.',
      questions: {
        kind: { type: 'choice', instructions: 'What is it?', criteria: { bug: 'a defect', idea: 'a wish' } },
        urgent: { type: 'boolean', instructions: 'It is urgent.' },
        mood: { type: 'score', instructions: 'How angry?', criteria: ['calm', 'angry', 'furious'] },
      },
    })
    expect(answers).toMatchObject({
      kind: { type: 'choice', choice: 'bug', probabilities: { bug: expect.closeTo(0.8), idea: expect.closeTo(0.2) } },
      urgent: { type: 'boolean', probability: expect.closeTo(0.8) },
      mood: { type: 'score', score: expect.closeTo(0.3) },
    })
    expect(warnings).toEqual([])
    expect(providerMetadata?.spillway).toMatchObject({
      kind: { route: 'local', model: 'small' },
      urgent: { route: 'local' },
    })
  })

  it('says that a frontier told no probability', async () => {
    const { spillway, cloud } = await openDoor(door, 'v4')
    cloud.otherwise(openAiText('yes'))
    const { answers, warnings, providerMetadata } = await ai7.experimental_decide({
      model: spillway.decisionModel('auto'),
      state: 'The shop is on fire.',
      questions: { urgent: { type: 'boolean', instructions: 'It is urgent.' } },
    })
    expect(answers.urgent).toEqual({ type: 'boolean', probability: 1 })
    expect(warnings).toMatchObject([{ type: 'other', message: expect.stringContaining('no probability was read') }])
    expect(providerMetadata?.spillway).toMatchObject({ route: 'frontier', model: 'big' })
  })

  it('refuses a question about an image before anybody is asked', async () => {
    const { spillway, cloud } = await openDoor(door, 'v4')
    const asked = ai7.experimental_decide({
      model: spillway.decisionModel('auto'),
      state: [{ type: 'file', mediaType: 'image/png', data: { type: 'data', data: new Uint8Array([1]) } }],
      questions: { dam: { type: 'boolean', instructions: 'It shows a dam.' } },
      maxRetries: 0,
    })
    await expect(asked).rejects.toThrow(/from text/)
    expect(cloud.requests).toHaveLength(0)
  })

  it('orders documents, and says where the order came without scores', async () => {
    const { spillway, cloud } = await openDoor(door, 'v4')
    cloud.otherwise(openAiText('["The dam was built in 1921.", "The harbour freezes."]'))
    const { ranking } = await ai7.rerank({
      model: spillway.rerankingModel('auto'),
      query: 'When was the dam built?',
      documents: ['The harbour freezes.', 'The dam was built in 1921.'],
    })
    expect(ranking.map(({ originalIndex }) => originalIndex)).toEqual([1, 0])
  })
})
