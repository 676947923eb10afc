import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { findPrivate } from '../src/classify/privacy/find.ts'
import { GATE_NAMES } from '../src/gates/gate.ts'
import { ADAPTERS } from '../src/models/adapters.ts'
import { PATTERN_TABLE } from '../src/patterns/patterns.ts'
import { SOLVERS, solve } from '../src/solvers/solvers.ts'
import { PATTERNS } from '../src/spec/decision.ts'
import { modelSchema } from '../src/spec/policy-models.ts'
import { PRIVATE_KINDS, type PrivateKind } from '../src/spec/private-kinds.ts'

const ROOT = resolve(import.meta.dirname, '..')

function read(...path: readonly string[]): string {
  return readFileSync(join(ROOT, ...path), 'utf8')
}

function filesOf(folder: string): readonly string[] {
  return readdirSync(join(ROOT, folder)).filter((file) => file.endsWith('.ts'))
}

/** Files of a folder that export one value of a type, and the name of the value. */
function valuesOf(folder: string, type: string): readonly { readonly file: string; readonly value: string }[] {
  return filesOf(folder).flatMap((file) => {
    const value = new RegExp(`^export const (\\w+): ${type} = `, 'm').exec(read(folder, file))?.[1]
    return value === undefined ? [] : [{ file, value }]
  })
}

/** Everything that tests say, samples included. */
function testText(...folders: readonly string[]): string {
  return folders
    .flatMap((folder) =>
      readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' }).map((file) => join(folder, file)),
    )
    .filter((file) => /\.(?:ts|json)$/.test(file))
    .map((file) => read(file))
    .join('\n')
}

describe('a gate', () => {
  it('is one file that stands in the table, under a name that has its place in the order', () => {
    const gates = valuesOf('src/gates', 'Gate')
    const table = read('src/gates/gates.ts')
    expect(gates.length).toBe(GATE_NAMES.length)
    for (const { file, value } of gates) {
      expect(table).toContain(`import { ${value} } from './${file}'`)
      expect(table).toMatch(new RegExp(`gate: ${value}\\b|^ {2}${value}: `, 'm'))
    }
    for (const name of GATE_NAMES) expect(table).toMatch(new RegExp(`^ {2}${name}: `, 'm'))
  })

  it('has a test that names it', () => {
    const text = testText('test/gates', 'test/samples', 'test/pipeline', 'test/decide', 'test/integrations')
    const camel = (name: string): string => name.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase())
    const untested = GATE_NAMES.filter((name) => !text.includes(name) && !text.includes(camel(name)))
    expect(untested).toEqual([])
  })
})

describe('a solver', () => {
  /** What each reads, and no other. */
  const SAMPLES: Readonly<Record<string, readonly [question: string, answer: string]>> = {
    arithmetic: ['What is 12.5% of 480?', '60'],
    units: ['How many minutes are 2 hours?', '120'],
    dates: ['How many days are there between 2026-01-01 and 2026-01-31?', '30'],
  }

  it('is one file, one row and one sample', () => {
    expect(
      valuesOf('src/solvers', 'Solver')
        .map(({ value }) => value)
        .sort(),
    ).toEqual(SOLVERS.map(({ name }) => name).sort())
    expect(Object.keys(SAMPLES).sort()).toEqual(SOLVERS.map(({ name }) => name).sort())
    for (const { name } of SOLVERS) expect(existsSync(join(ROOT, `test/solvers/${name}.test.ts`))).toBe(true)
  })

  it.each(Object.entries(SAMPLES))('answers its sample: %s', (name, [question, answer]) => {
    expect(solve(question)).toMatchObject({ solver: name, answer: expect.stringContaining(answer) })
  })
})

describe('a pattern', () => {
  it('is one file that stands in the table', () => {
    const rows: readonly unknown[] = Object.values(PATTERN_TABLE)
    expect(Object.keys(PATTERN_TABLE).sort()).toEqual([...PATTERNS].sort())
    expect(valuesOf('src/patterns', 'Pattern').length).toBe(rows.length)
    for (const name of PATTERNS) expect(existsSync(join(ROOT, `src/patterns/${name.replace('_', '-')}.ts`))).toBe(true)
  })

  it.each(PATTERNS)('has samples: %s', (name) => {
    expect(readdirSync(join(ROOT, 'test/samples', name)).length).toBeGreaterThan(0)
  })
})

describe('a detector', () => {
  /** One piece of each kind, in the words around it. */
  const SAMPLES: Readonly<Record<PrivateKind, readonly [text: string, piece: string]>> = {
    secret: [
      `token ghp_${'a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8'} here`,
      `ghp_${'a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8'}`,
    ],
    email: ['write to ann@example.com today', 'ann@example.com'],
    phone: ['call +49 30 901820 now', '+49 30 901820'],
    card: ['paid with 4111 1111 1111 1111 yesterday', '4111 1111 1111 1111'],
    iban: ['to DE89 3704 0044 0532 0130 00 please', 'DE89 3704 0044 0532 0130 00'],
    national_id: ['her number is 078-05-1120, SSN', '078-05-1120'],
    ip: ['from 203.0.113.7 again', '203.0.113.7'],
    mac: ['card 00:1A:2B:3C:4D:5E is up', '00:1A:2B:3C:4D:5E'],
    birth_date: ['Date of birth: 1984-03-12', '1984-03-12'],
    address: ['lives at 221 Baker Street, London', '221 Baker Street'],
    name: ['Dear Mrs Ann Miller, thank you', 'Ann Miller'],
  }

  it.each(PRIVATE_KINDS)('finds its sample: %s', (kind) => {
    const [text, piece] = SAMPLES[kind]
    const found = findPrivate(text, [kind]).map(({ start, end }) => text.slice(start, end))
    expect(found.join(' ')).toContain(piece)
  })
})

describe('a model adapter', () => {
  /** The test that asks each over what it really speaks. */
  const TESTS: Readonly<Record<keyof typeof ADAPTERS, string>> = {
    embedded: 'test/engine/answers.test.ts',
    ollama: 'test/models/ollama.test.ts',
    openai: 'test/models/openai-compatible.test.ts',
    azure: 'test/models/azure.test.ts',
    anthropic: 'test/models/anthropic.test.ts',
    'ai-sdk': 'test/models/ai-sdk.test.ts',
    'mcp-client': 'test/integrations/mcp-client-model.test.ts',
    plugin: 'test/integrations/plugins-guide.test.ts',
  }

  it('is one row, a name in the schema of the policy, and a test', () => {
    expect(Object.keys(ADAPTERS).sort()).toEqual([...modelSchema.shape.provider.options].sort())
    expect(Object.keys(ADAPTERS).sort()).toEqual(Object.keys(TESTS).sort())
    expect(Object.values(TESTS).filter((file) => !existsSync(join(ROOT, file)))).toEqual([])
  })
})

describe('what CONTRIBUTING says of these', () => {
  it('names files that are there', () => {
    const text = read('CONTRIBUTING.md')
    for (const file of [
      'gates/gates.ts',
      'solvers/solvers.ts',
      'patterns/patterns.ts',
      'models/adapters.ts',
      'spec/private-kinds.ts',
    ])
      expect(text).toContain(`src/${file}`)
  })
})
