import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, describe, expect, it } from 'vitest'
import { parse, stringify } from 'yaml'
import type { ImportRow } from '../../src/cli/import/account.ts'
import { type Imported, importPolicy } from '../../src/cli/import/import-policy.ts'
import type { ShapeName } from '../../src/cli/import/shape.ts'
import { createRouter } from '../../src/compose.ts'
import { RouterError } from '../../src/spec/errors.ts'
import type { PolicyInput } from '../../src/spec/policy.ts'
import { openAiText } from '../support/cloud-answers.ts'
import { startScriptedCloud } from '../support/scripted-cloud.ts'

const SAMPLES = {
  litellm: 'litellm.yaml',
  'claude-code-router': 'claude-code-router.json',
  routellm: 'routellm.yaml',
  'router-policy': 'router-policy.yaml',
  'llm-config': 'llm-config.yaml',
} as const satisfies Record<ShapeName, string>
const NAMES = Object.keys(SAMPLES) as ShapeName[]

function sample(name: ShapeName): string {
  return readFileSync(join(import.meta.dirname, 'import-samples', SAMPLES[name]), 'utf8')
}

function imported(text: string, from?: ShapeName): Imported {
  return importPolicy({ text, fileName: 'theirs', from })
}

function rowText({ kind, path, to, why, fix }: ImportRow): string {
  return [kind, path, to ?? '-', why ?? '-', fix ?? '-'].join(' | ')
}

const folders: string[] = []
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
})

describe.each(NAMES)('an imported file of shape %s', (name) => {
  it('becomes this policy, with this report, and is known by its keys', async () => {
    const { from, text, rows } = imported(sample(name))
    expect(from).toBe(name)
    await expect(text).toMatchFileSnapshot(`import-samples/${name}.policy.txt`)
    await expect(`${rows.map(rowText).join('\n')}\n`).toMatchFileSnapshot(`import-samples/${name}.report.txt`)
  })

  it('holds no secret of the file, neither in the policy nor in the report', () => {
    expect(JSON.stringify(imported(sample(name)))).not.toContain('PLANTED')
  })

  it('answers a request through the router', async () => {
    const cloud = await startScriptedCloud()
    cloud.otherwise(openAiText('from the cloud'))
    const { text, tasks } = imported(sample(name))
    const stateDir = mkdtempSync(join(tmpdir(), 'spillway-import-'))
    folders.push(stateDir)
    const paths = { configDir: stateDir, dataDir: stateDir, cacheDir: stateDir, stateDir }
    const router = createRouter({ policy: atCloud(text, cloud.openAiBaseUrl), env: { KEY: 'k' }, paths })
    const task = tasks[0] ?? ''
    const asked = { messages: [{ role: 'user' as const, content: 'Say something.' }], metadata: { task } }
    const outcome = await router.complete(asked)
    expect(outcome).toMatchObject({ answer: 'from the cloud', decision: { task, route: 'frontier' } })
    await router.close()
    await cloud.close()
  })
})

/** Its hosted models are played by the cloud of the test; the local ones are not there, as on a new machine. */
function atCloud(text: string, baseUrl: string): PolicyInput {
  const policy = parse(text) as { readonly models: Readonly<Record<string, Readonly<Record<string, unknown>>>> }
  const models = Object.entries(policy.models).map(([name, { tier, model }]) => {
    const place = tier === 'frontier' ? { baseUrl, apiKey: '${env:KEY}' } : { baseUrl: 'http://127.0.0.1:9/v1' }
    return [name, { provider: 'openai', model, tier, ...place }]
  })
  return { ...policy, models: Object.fromEntries(models) } as PolicyInput
}

describe('what an import says', () => {
  it('speaks about every key of the file', () => {
    for (const name of NAMES) {
      const source: unknown = parse(sample(name))
      const { rows } = imported(sample(name))
      const spoken = rows.map(({ path }) => path)
      const silent = leaves(source, '').filter(
        (leaf) => !spoken.some((path) => leaf === path || leaf.startsWith(`${path}.`) || leaf.startsWith(`${path}[`)),
      )
      expect({ name, silent }).toEqual({ name, silent: [] })
    }
  })

  it('tells the tier by where a model answers, whatever it was called', () => {
    const text = (endpoint: string): string =>
      stringify({
        models: {
          local_default: { provider: 'ollama', name: 'q:4b', endpoint },
          frontier_default: { provider: 'anthropic', name: 'c' },
        },
        tasks: { t: { local: true } },
      })
    const tier = (endpoint: string): unknown => parse(imported(text(endpoint)).text).models.local_default
    expect(tier('http://127.0.0.1:11434/api/chat')).toMatchObject({
      tier: 'local_fast',
      baseUrl: 'http://127.0.0.1:11434',
    })
    expect(tier('http://10.0.0.5:11434/api/generate')).toMatchObject({
      tier: 'frontier',
      baseUrl: 'http://10.0.0.5:11434',
    })
    expect(tier('http://ollama:11434')).toMatchObject({ tier: 'frontier', privateNetwork: true })
  })

  it('does not let a local model come before one that it only stood in for', () => {
    const { text, rows } = imported(
      stringify({
        model_list: [
          { model_name: 'a', litellm_params: { model: 'anthropic/c' } },
          { model_name: 'b', litellm_params: { model: 'ollama/q' } },
        ],
        router_settings: { fallbacks: [{ a: ['b'] }] },
      }),
    )
    expect(parse(text).tasks.a).toMatchObject({ local: false, frontier: ['c'] })
    expect(rows.find(({ path }) => path === 'router_settings.fallbacks[0].a')?.kind).toBe('dropped')
  })

  it('reads JSON with comments', () => {
    const text = `{ // mine\n${sample('claude-code-router').replace(/^\s*\{/, '')}`
    expect(imported(text).models).toEqual(imported(sample('claude-code-router')).models)
  })
})

describe('a file that cannot be imported', () => {
  it.each([
    ['nothing', '', 'holds no configuration'],
    ['a list', '- a', 'holds no configuration'],
    ['broken YAML', 'a: [', 'cannot be read'],
    ['the same key twice', 'model_list: []\nmodel_list: []', 'cannot be read'],
    ['another file', 'version: 3\nservices: {}', 'looks like none of litellm, '],
    ['no models', 'model_list: []', 'No model of theirs could be carried'],
    ['an alias that leads to itself', 'model_list: &a [*a]', 'theirs'],
    ['aliases without end', `a: &a [1]\nmodel_list: [${'*a, '.repeat(500)}*a]`, 'holds no configuration'],
  ])('is refused with a sentence: %s', (_, text, words) => {
    expect(() => imported(text)).toThrow(words)
  })

  it('is refused when it is not what --from says', () => {
    expect(() => imported(sample('routellm'), 'litellm')).toThrow('is no LiteLLM config.yaml')
  })
})

describe('any file', () => {
  /** A sample with some of its parts replaced by anything. */
  const broken = fc
    .record({
      name: fc.constantFrom(...NAMES),
      cuts: fc.array(fc.tuple(fc.nat(), odd()), { minLength: 1, maxLength: 6 }),
    })
    .map(({ name, cuts }) =>
      cuts.reduce((value, [at, odd]) => replaced(value, at, odd), parse(sample(name)) as unknown),
    )

  it('gives a policy that is sound, or one sentence', () => {
    fc.assert(
      fc.property(broken, (source) => {
        try {
          const { text, rows } = imported(stringify(source) ?? '')
          expect(`${text}${JSON.stringify(rows)}`).not.toContain('PLANTED')
        } catch (error) {
          expect(error).toBeInstanceOf(RouterError)
          expect((error as RouterError).code).toBe('usage')
          expect((error as RouterError).message).not.toContain('something that no policy can say')
        }
      }),
      { numRuns: 500 },
    )
  })

  it('is read or refused, whatever its bytes are', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.string(), fc.json(), fc.constantFrom('\u0000', '%YAML 9', '&a *a', '!!js/function "x"', '? : ?')),
        (text) => {
          expect(() => imported(text)).toThrow(RouterError)
        },
      ),
      { numRuns: 300 },
    )
  })
})

function odd(): fc.Arbitrary<unknown> {
  const texts = [
    '',
    ' ',
    '${env:HOME}',
    '__proto__',
    'http://',
    'ollama/',
    'a,b',
    '*',
    'os.environ/',
    '$',
    'x'.repeat(500),
    'http://[::1',
    'azure/x',
    'bedrock/y',
    '\u202e',
  ]
  return fc.oneof(fc.jsonValue({ maxDepth: 2 }), fc.constantFrom(...texts), fc.double(), fc.constant(undefined))
}

/** @returns the value with its nth part, counted from the outside, replaced */
function replaced(value: unknown, nth: number, by: unknown): unknown {
  const total = count(value)
  let at = nth % total
  const walk = (part: unknown): unknown => {
    at -= 1
    if (at === -1) return by
    if (Array.isArray(part)) return part.map(walk)
    if (typeof part !== 'object' || part === null) return part
    return Object.fromEntries(Object.entries(part).map(([key, child]) => [key, walk(child)]))
  }
  return walk(value)
}

function count(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 1
  return 1 + Object.values(value).reduce((sum: number, child) => sum + count(child), 0)
}

function leaves(value: unknown, path: string): readonly string[] {
  if (typeof value !== 'object' || value === null) return [path]
  const isList = Array.isArray(value)
  return Object.entries(value).flatMap(([key, child]) =>
    leaves(child, isList ? `${path}[${key}]` : path === '' ? key : `${path}.${key}`),
  )
}
