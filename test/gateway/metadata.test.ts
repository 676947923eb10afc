import { afterEach, describe, expect, it } from 'vitest'
import { metadataOf } from '../../src/gateway/metadata.ts'
import { closeGateways, testGateway } from '../support/gateway.ts'
import { sampleRouter } from '../support/sample-router.ts'

afterEach(closeGateways)

describe('metadata from body and headers', () => {
  it.each([
    ['local_only', 'public', 'local_only'],
    ['public', 'local_only', 'local_only'],
    ['public', 'internal', 'internal'],
    ['internal', undefined, 'internal'],
    [undefined, 'public', 'public'],
  ])('with partition %s in the body and %s in a header is %s', (body, header, expected) => {
    const merged = metadataOf(
      body === undefined ? {} : { partition: body },
      header === undefined ? {} : { 'x-spillway-partition': header },
    )
    expect(merged).toEqual({ partition: expected })
  })

  it('keeps the higher of two impacts', () => {
    expect(metadataOf({ impact: 'high' }, { 'x-spillway-impact': 'low' })).toEqual({ impact: 'high' })
    expect(metadataOf({ impact: 'low' }, { 'x-spillway-impact': 'medium' })).toEqual({ impact: 'medium' })
  })

  it('names the documents of both, since each may be private', () => {
    expect(
      metadataOf({ documents: 'clients/a.md, ,b.md' }, { 'x-spillway-documents': 'public/c.md' }).documents,
    ).toEqual(['clients/a.md', 'b.md', 'public/c.md'])
  })

  it('reads flags that come as text, and takes the task of a header before that of the body', () => {
    expect(
      metadataOf(
        { affectsSystemState: 'true', userVisibleOutput: 'false', action: 'edit_file', task: 'chat' },
        { 'x-spillway-task': 'label' },
      ),
    ).toEqual({ affectsSystemState: true, userVisibleOutput: false, task: 'label' })
    expect(metadataOf({ action: 'edit_file' }, {})).toEqual({ task: 'edit_file' })
  })

  it.each([
    [{ partition: 'secret' }, {}, 'metadata.partition'],
    [{ affectsSystemState: 'yes' }, {}, 'metadata.affectsSystemState'],
    [{}, { 'x-spillway-impact': 'huge' }, 'x-spillway-impact'],
    [{}, { 'x-spillway-partition': 'public, local_only' }, 'x-spillway-partition'],
  ])('that is wrong (%j %j) is refused at %s', (body, headers, path) => {
    expect(() => metadataOf(body, headers)).toThrow(`The request is invalid at ${path}: `)
  })
})

describe('a header', () => {
  it('cannot send away what the body keeps here', async () => {
    const policy = {
      models: { big: { provider: 'openai', model: 'x', tier: 'frontier', apiKey: '${env:KEY}' } },
      tasks: { chat: { pattern: 'direct', local: false } },
      defaults: { task: 'chat' },
    } as const
    const sample = sampleRouter({ policy, env: { KEY: 'k' }, models: { big: { answers: () => 'sent away' } } })
    const { client } = await testGateway(sample.router)
    const call = client.chat.completions.create(
      { model: 'auto', messages: [{ role: 'user', content: 'hi' }], metadata: { partition: 'local_only' } },
      { headers: { 'x-spillway-partition': 'public' } },
    )
    await expect(call).rejects.toMatchObject({ status: 409, code: 'privacy_local_only' })
    expect(sample.models.big?.calls).toEqual([])
  })
})
