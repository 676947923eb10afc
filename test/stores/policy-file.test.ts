import { describe, expect, it } from 'vitest'
import { RouterError } from '../../src/spec/errors.ts'
import { loadPolicyFile, parsePolicy } from '../../src/stores/policy-file.ts'

function failure(
  text: string,
  env: Record<string, string> = {},
): { readonly message: string; readonly fix: string; readonly code: string } {
  try {
    parsePolicy(text, { file: 'p.yaml', env })
  } catch (error) {
    if (error instanceof RouterError) return { message: error.message, fix: error.fix, code: error.code }
    throw error
  }
  throw new Error('the policy was accepted')
}

describe('parsePolicy', () => {
  it('fills every default of an empty file', () => {
    const { policy } = parsePolicy('', { file: 'p.yaml', env: {} })
    expect(policy.gateway).toEqual({
      host: '127.0.0.1',
      port: 8484,
      unknownModel: 'auto',
      maxBodyBytes: 10_485_760,
      headersAfter: 3000,
      limits: {},
      responses: { store: false },
      batches: { keep: 604_800_000, maxFileBytes: 67_108_864, maxRows: 50_000, parallel: 2 },
    })
    expect(policy.deadlines.local_quality).toEqual({
      load: 120_000,
      connect: 3000,
      firstByte: 20_000,
      idle: 30_000,
      total: 180_000,
    })
    expect(policy.routing.actions.edit_file).toBe('moderate')
  })

  it('names an unknown key with its place and the key that was meant', () => {
    expect(failure('tasks:\n  a:\n    kindd: text\n')).toEqual({
      code: 'policy_invalid',
      message: 'Policy p.yaml is invalid at tasks.a.kindd (line 3:5): unknown key kindd.',
      fix: 'Did you mean kind?',
    })
  })

  it('does not let a misspelt hard stop mean "allowed"', () => {
    expect(failure('hardStop:\n  access: ["401"]\n').fix).toBe('Did you mean hardStops?')
  })

  it('names line and column of broken YAML', () => {
    expect(failure('models: [\n').message).toMatch(/^Policy p\.yaml is invalid at line \d+:\d+: /)
  })

  it('finds the misspelt key inside a choice of forms', () => {
    expect(failure('tasks:\n  a: { stage: { canary: { percnt: 3 } } }\n').message).toContain(
      'tasks.a.stage.canary.percnt',
    )
  })

  it('takes a pattern by its name, or with options as the one entry of an object', () => {
    const patternOf = (task: string) =>
      parsePolicy(`tasks: { a: { ${task} } }`, { file: 'p.yaml', env: {} }).policy.tasks.a?.pattern
    expect(patternOf('')).toEqual({ cascade: {} })
    expect(patternOf('pattern: direct')).toEqual({ direct: {} })
    expect(patternOf('pattern: { direct: {} }')).toEqual({ direct: {} })
  })

  it.each([
    ['pattern: cascad', 'tasks.a.pattern (line 1:15)', 'expected one of "direct"|"cascade"'],
    ['pattern: { cascad: {} }', 'tasks.a.pattern.cascad', 'unknown key cascad'],
    ['pattern: { cascade: { depth: 2 } }', 'tasks.a.pattern.cascade.depth', 'unknown key depth'],
    ['kind: rank, pattern: buddy', 'tasks.a.pattern.buddy', 'answers of kind rank have no span'],
    ['schema: { type: object }, pattern: buddy', 'tasks.a.pattern.buddy', 'may break the schema'],
    [
      'onUnavailable: error, pattern: { buddy: { delivery: at_once } }',
      'tasks.a.pattern.buddy.delivery',
      'before it is known whether the frontier can be asked',
    ],
    ['pattern: { buddy: { questions: 5 } }', 'tasks.a.pattern.buddy.questions', '4'],
    ['pattern: { cascade: {}, direct: {} }', 'tasks.a.pattern', 'direct and cascade are two patterns'],
    ['pattern: {}', 'tasks.a.pattern', 'no pattern is named'],
  ])('refuses %s', (task, place, problem) => {
    const { message } = failure(`tasks: { a: { ${task} } }`)
    expect(message).toContain(place)
    expect(message).toContain(problem)
  })

  it('says which environment variable is missing, and where', () => {
    const text = 'models:\n  m: { provider: openai, model: x, tier: frontier, baseUrl: "${env:NOPE}" }\n'
    expect(failure(text)).toMatchObject({ code: 'env_missing', fix: 'Set NOPE, or remove the reference.' })
    expect(failure(text).message).toContain('models.m.baseUrl (line 2:')
  })

  it('accepts a missing API key and reports the model that lacks it', () => {
    const text = 'models:\n  m: { provider: openai, model: x, tier: frontier, apiKey: "${env:K}" }\n'
    expect(parsePolicy(text, { file: 'p.yaml', env: {} }).missingKeys).toEqual({ m: 'K' })
    const loaded = parsePolicy(text, { file: 'p.yaml', env: { K: 'key-value' } })
    expect(loaded.lanes.get('m')).toEqual([{ baseUrl: undefined, apiKey: 'key-value' }])
    expect(JSON.stringify(loaded.policy)).not.toContain('key-value')
  })

  it('refuses an API key that stands in the file, and does not repeat it', () => {
    const { message, fix } = failure(
      'models:\n  m: { provider: openai, model: x, tier: frontier, apiKey: abc123secret }\n',
    )
    expect(message).not.toContain('abc123secret')
    expect(fix).toBe('Write apiKey: "${env:NAME}" and set NAME.')
  })

  it('keeps addresses with passwords out of policy and digest, and refuses them in the file', () => {
    const text = 'audit: { postgres: { url: "${env:DB}" } }\ngateway: { limits: { shared: { url: "${env:KV}" } } }\n'
    const env = { DB: 'postgres://me:hunter2@db/records', KV: 'rediss://:hunter2@kv:6380' }
    const set = parsePolicy(text, { file: 'p.yaml', env })
    expect(set.connections).toEqual({
      postgres: { variable: 'DB', url: 'postgres://me:hunter2@db/records' },
      valkey: { variable: 'KV', url: 'rediss://:hunter2@kv:6380' },
      webhook: null,
    })
    expect(JSON.stringify(set.policy)).not.toContain('hunter2')
    const unset = parsePolicy(text, { file: 'p.yaml', env: {} })
    expect(unset.connections.postgres).toEqual({ variable: 'DB', url: null })
    expect(unset.digest).toBe(set.digest)
    expect(parsePolicy('', { file: 'p.yaml', env: {} }).connections).toEqual({
      postgres: null,
      valkey: null,
      webhook: null,
    })
    const written = failure('audit: { postgres: { url: "postgres://me:hunter2@db/records" } }\n')
    expect(written).toMatchObject({ code: 'policy_invalid', message: expect.stringContaining('audit.postgres.url') })
    expect(written.message).not.toContain('hunter2')
    const wrong = { DB: 'mysql://me:hunter2@db/records', KV: 'rediss://kv' }
    expect(() => parsePolicy(text, { file: 'p.yaml', env: wrong })).toThrow(
      'audit.postgres.url (line 1:22): the value of DB is not an address that starts with postgres:// or postgresql://',
    )
  })

  it('calls a model local by its destination, not by its tier', () => {
    const remote = 'models:\n  m: { provider: openai, model: x, tier: local_fast, baseUrl: "http://10.0.0.1/v1" }\n'
    expect(failure(remote).message).toContain('http://10.0.0.1/v1 is not on this machine')
    const here = 'models:\n  m: { provider: openai, model: x, tier: local_fast, baseUrl: "http://127.0.0.1:8080/v1" }\n'
    expect(parsePolicy(here, { file: 'p.yaml', env: {} }).policy.models.m?.tier).toBe('local_fast')
  })

  it.each([
    ['a choice without labels', 'tasks:\n  a: { kind: choice }\n', 'kind choice needs labels'],
    [
      'an escalate-label that is no label',
      'tasks:\n  a: { kind: choice, labels: [x, y], escalateLabels: [z] }\n',
      'z is not a label',
    ],
    [
      'an unknown model',
      'tasks:\n  a: { local: smal }\nmodels:\n  small: { provider: embedded, model: m, tier: local_fast }\n',
      'no model or tier smal',
    ],
    ['a frontier under local', 'tasks:\n  a: { local: frontier }\n', 'frontier is a frontier model'],
    ['an unknown default task', 'defaults: { task: nope }\n', 'no task nope'],
    [
      'render without a place for the value',
      'tasks:\n  a: { kind: boolean, render: "label" }\n',
      'render lacks {value}',
    ],
    ['a number out of range', 'tasks:\n  a: { minConfidence: 3 }\n', 'tasks.a.minConfidence'],
    [
      'a duration without a unit',
      'models:\n  m: { provider: embedded, model: m, tier: local_fast, idleUnload: 5x }\n',
      'is not a duration',
    ],
    ['a list instead of a policy', '- a\n', 'at the top'],
  ])('refuses %s', (_, text, problem) => {
    expect(failure(text).message).toContain(problem)
  })

  it('takes several keys and regions, each key by its name only', () => {
    const model = (fields: string) =>
      `models: { m: { provider: openai, model: x, tier: frontier, baseUrl: "https://a.test/v1", ${fields} } }`
    const read = (fields: string, env = {}) => parsePolicy(model(fields), { file: 'p.yaml', env })
    const two =
      'apiKey: ["${env:A}", "${env:B}"], regions: [{ baseUrl: "https://b.test/v1" }, { baseUrl: "https://c.test/v1", apiKey: "${env:C}" }]'
    expect(read(two, { A: '1', B: '2', C: '3' }).lanes.get('m')).toEqual([
      { baseUrl: 'https://a.test/v1', apiKey: '1' },
      { baseUrl: 'https://a.test/v1', apiKey: '2' },
      { baseUrl: 'https://b.test/v1', apiKey: '1' },
      { baseUrl: 'https://b.test/v1', apiKey: '2' },
      { baseUrl: 'https://c.test/v1', apiKey: '3' },
    ])
    expect(read(two, { C: '3' })).toMatchObject({ missingKeys: {} })
    expect(read(two).missingKeys).toEqual({ m: 'A' })
    expect(JSON.stringify(read(two, { A: 'the-value' }).policy)).not.toContain('the-value')
    expect(() => read('apiKey: ["${env:A}", "sk-in-the-clear"]')).toThrow(
      /models.m.apiKey.1 .*an API key may not stand in the policy/,
    )
    expect(() => read('apiKey: []')).toThrow(/models.m.apiKey/)
    const embedded =
      'models: { m: { provider: embedded, model: x, tier: local_fast, regions: [{ baseUrl: "http://127.0.0.1:1" }] } }'
    expect(() => parsePolicy(embedded, { file: 'p.yaml', env: {} })).toThrow(/models.m.regions/)
    const away =
      'models: { m: { provider: openai, model: x, tier: local_fast, baseUrl: "http://127.0.0.1:1", regions: [{ baseUrl: "https://b.test" }] } }'
    expect(() => parsePolicy(away, { file: 'p.yaml', env: {} })).toThrow(/https:\/\/b.test is not on this machine/)
  })

  it('gives equal digests to equal policies, whatever the order of keys, and other ones to other policies', () => {
    const digest = (text: string): string => parsePolicy(text, { file: 'p.yaml', env: {} }).digest
    expect(digest('privacy: { default: public }\nrouting: { preferLocal: false }\n')).toBe(
      digest('routing: { preferLocal: false }\nprivacy: { default: public }\n'),
    )
    expect(digest('privacy: { default: public }\n')).not.toBe(digest('privacy: { default: internal }\n'))
  })

  it('fills address and key variable from a preset', () => {
    const { policy, missingKeys } = parsePolicy(
      'models:\n  m: { provider: openai, preset: berget, model: x, tier: frontier }\n',
      { file: 'p.yaml', env: {} },
    )
    expect(policy.models.m).toMatchObject({ baseUrl: 'https://api.berget.ai/v1' })
    expect(missingKeys).toEqual({ m: 'BERGET_API_KEY' })
  })
})

describe('loadPolicyFile', () => {
  it('names the file that is not there and how to write one', () => {
    try {
      loadPolicyFile('/nowhere/spillway.yaml', {})
      expect.unreachable()
    } catch (error) {
      expect(error).toMatchObject({
        code: 'policy_not_found',
        fix: 'Write one with `spillway init`, or name another with --policy.',
      })
    }
  })
})
