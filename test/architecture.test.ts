import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

const SRC = resolve(dirname(fileURLToPath(import.meta.url)), '../src')
const DASHBOARD = resolve(SRC, '../dashboard')

/** Which folders of src a folder may import, besides itself. Changing a row needs a decision record. */
const ALLOWED: Readonly<Record<string, readonly string[]>> = {
  spec: [],
  learn: ['spec'],
  classify: ['spec', 'learn'],
  route: ['spec', 'learn'],
  solvers: ['spec', 'learn'],
  gates: ['spec', 'learn'],
  decide: ['spec', 'learn', 'classify'],
  patterns: ['spec', 'learn', 'classify', 'route', 'solvers', 'gates', 'decide'],
  pipeline: ['spec', 'learn', 'classify', 'route', 'solvers', 'gates', 'decide', 'patterns'],
  models: ['spec', 'learn'],
  stores: ['spec'],
  telemetry: ['spec'],
  gateway: ['spec', 'classify', 'pipeline', 'telemetry'],
  eval: ['spec', 'learn', 'classify', 'route', 'solvers', 'gates', 'decide', 'patterns', 'pipeline'],
  integrations: ['spec', 'pipeline'],
  cli: [
    'spec',
    'learn',
    'classify',
    'route',
    'solvers',
    'gates',
    'decide',
    'patterns',
    'pipeline',
    'models',
    'stores',
    'telemetry',
    'gateway',
    'eval',
    'integrations',
    'compose.ts',
  ],
  'compose.ts': ['spec', 'classify', 'decide', 'pipeline', 'models', 'stores', 'telemetry'],
  'plugin.ts': ['spec'],
  'testing.ts': ['spec'],
  'ai-sdk.ts': ['spec', 'compose.ts', 'models', 'gateway', 'integrations'],
  'shared-router.ts': ['spec', 'compose.ts', 'integrations'],
  'index.ts': ['spec', 'compose.ts', 'shared-router.ts', 'stores', 'integrations'],
}

/** Everything up to patterns decides and does nothing: none of these may reach a process, clock, file or network. */
const PURE = ['spec', 'learn', 'classify', 'route', 'solvers', 'gates', 'decide', 'patterns']
/** Loading a library later does nothing else than loading it. */
const IMPURE_IMPORT = /\bfrom 'node:(?!(?:buffer|module)')/
const IMPURE_CALL =
  /\bprocess\.|\bDate\.now\(|\bMath\.random\(|\bnew Date\(\)|\bconsole\.|\bfetch\((?!\?)|\bsetTimeout\(|\bperformance\.now\(/

/** Words in comments and strings do nothing. */
function codeOf(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '').replace(/'(?:[^'\\\n]|\\.)*'/g, "''")
}

function isImpure(text: string): boolean {
  return IMPURE_IMPORT.test(text) || IMPURE_CALL.test(codeOf(text))
}

interface Import {
  readonly file: string
  /** The imported file, relative to src. */
  readonly target: string
  readonly from: string
  readonly to: string
}

function sourceFiles(): readonly string[] {
  return readdirSync(SRC, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'))
}

function layerOf(file: string): string {
  return file.split(sep)[0] ?? file
}

function imports(): readonly Import[] {
  return sourceFiles().flatMap((file) => {
    const text = readFileSync(join(SRC, file), 'utf8')
    const targets = [...text.matchAll(/(?:from|import)\s*\(?\s*'(\.[^']+)'/g)].map((match) => match[1] ?? '')
    return targets
      .map((path) => relative(SRC, resolve(SRC, dirname(file), path)))
      .map((target) => ({ file, target, from: layerOf(file), to: layerOf(target) }))
  })
}

/** Whether the imports of `from` lead to `to` again, over any number of files. */
function reaches(from: string, to: string, edges: ReadonlyMap<string, readonly string[]>): boolean {
  const seen = new Set<string>()
  const open = [...(edges.get(from) ?? [])]
  for (let file = open.pop(); file !== undefined; file = open.pop()) {
    if (file === to) return true
    if (seen.has(file)) continue
    seen.add(file)
    open.push(...(edges.get(file) ?? []))
  }
  return false
}

describe('the layers', () => {
  it('finds imports to check', () => {
    expect(imports().length).toBeGreaterThan(100)
  })

  it('import in one direction only, type imports included', () => {
    const wrong = imports().filter(({ from, to }) => from !== to && !(ALLOWED[from] ?? []).includes(to))
    expect(wrong).toEqual([])
  })

  it('hold no circle of files', () => {
    const edges = new Map<string, string[]>()
    for (const { file, target } of imports()) edges.set(file, [...(edges.get(file) ?? []), target])
    expect([...edges.keys()].filter((file) => reaches(file, file, edges))).toEqual([])
  })

  it('have a row in the table for every folder and root file', () => {
    const layers = [...new Set(sourceFiles().map(layerOf))]
    expect(layers.filter((layer) => !(layer in ALLOWED))).toEqual([])
  })

  it('stay pure up to the patterns', () => {
    const impure = sourceFiles()
      .filter((file) => PURE.includes(layerOf(file)))
      .filter((file) => isImpure(readFileSync(join(SRC, file), 'utf8')))
    expect(impure).toEqual([])
  })

  it('are told apart by a check that can fail', () => {
    expect(isImpure('const now = Date.now()')).toBe(true)
    expect(isImpure("import { readFileSync } from 'node:fs'")).toBe(true)
    expect(isImpure("/** process.env */ const a = 'process.env'")).toBe(false)
  })

  it('import no store and no model from the core', () => {
    const core = ['spec', 'learn', 'classify', 'route', 'solvers', 'gates', 'patterns', 'pipeline']
    const wrong = imports().filter(({ from, to }) => core.includes(from) && ['models', 'stores'].includes(to))
    expect(wrong).toEqual([])
  })
})

/** Everything that a file of the console takes from somewhere else; types are gone when it runs. */
function takenFrom(text: string): readonly string[] {
  const imported = [...text.matchAll(/^(?:import|export) (?!type )(?:[^'\n]* from )?'([^']+)'/gm)]
  return imported.map(([, from = '']) => from)
}

describe('the console', () => {
  const files = readdirSync(DASHBOARD, { recursive: true, encoding: 'utf8' }).filter((file) => /\.tsx?$/.test(file))
  const read = (file: string): string => readFileSync(join(DASHBOARD, file), 'utf8')

  it('talks to the program over HTTP alone: of its code it takes types, and nothing that runs', () => {
    const wrong = files.flatMap((file) =>
      takenFrom(read(file))
        .filter((from) => from.startsWith('.'))
        .filter((from) => relative(DASHBOARD, resolve(DASHBOARD, dirname(file), from)).startsWith('..'))
        .map((from) => `${file}: ${from}`),
    )
    expect(wrong).toEqual([])
  })

  it('takes two libraries', () => {
    const shown = files.filter((file) => file.startsWith('src'))
    const libraries = shown.flatMap((file) => takenFrom(read(file))).filter((from) => !from.startsWith('.'))
    expect([...new Set(libraries)].sort()).toEqual(['preact', 'preact/hooks', 'uplot', 'uplot/dist/uPlot.min.css'])
  })

  it('is told apart by a check that can fail', () => {
    expect(takenFrom("import { a } from '../../src/a.ts'")).toEqual(['../../src/a.ts'])
    expect(takenFrom("import './a.css'")).toEqual(['./a.css'])
    expect(takenFrom("import type { A } from '../../src/a.ts'")).toEqual([])
  })

  it('writes no HTML by itself, so that every text is shown as what it is', () => {
    expect(files.filter((file) => /innerHTML|dangerously|outerHTML|insertAdjacent/.test(read(file)))).toEqual([])
  })
})

/** Files that open a connection by themselves, and to what. */
const OWN_SOCKETS: Readonly<Record<string, string>> = {
  'models/dial.ts': 'the door itself',
  'models/tunnel.ts': 'the proxy that the policy names, for the door',
  'models/embedded/host-process.ts': 'the socket file of the engine host',
  'cli/engine-host.ts': 'the socket file of the engine host',
  'integrations/ai-sdk/gateway-door.ts': 'the gateway that the program names',
  'cli/running-server.ts': 'the gateway of this machine, as its own record says',
  'stores/postgres.ts': 'the database that audit.postgres names',
  'stores/valkey.ts': 'the server that gateway.limits.shared names',
}

/** Whether the code can open a connection to anywhere. Listening and types are nothing of the kind. */
/** A module of the runtime got by name; of those for HTTP a server's file may take `createServer`, and a door the shapes of a request and its answer. */
function loadsClient(text: string): boolean {
  const loads = text.match(/^.*\bgetBuiltinModule\(.*$/gm) ?? []
  return loads.some(
    (line) =>
      /node:(?:net|tls|dgram|dns|https?2?)/.test(line) &&
      !/^const \{ (?:createServer|IncomingMessage: Incoming, ServerResponse) \} = /.test(line),
  )
}

function opensConnections(text: string): boolean {
  const imported = [...text.matchAll(/import (?!type )(.*?) from '([^']+)'/gs)]
  const values = (from: RegExp): string =>
    imported
      .filter(([, , module = '']) => from.test(module))
      .map(([, names = '']) => names.replace(/\btype \w+/g, ''))
      .join(' ')
  return (
    /\b(?:await|return|=>?|\()\s*(?:globalThis\.)?fetch\(/.test(codeOf(text)) ||
    /\bimport\('(?:pg|ioredis|undici)'\)/.test(text) ||
    loadsClient(text) ||
    /\w/.test(values(/^(?:undici(?:\/.*)?|node:dns(?:\/promises)?|node:tls|node:dgram|node:http2)$/)) ||
    /\b(?:connect|createConnection|Socket|request|get|net|http|https)\b/.test(values(/^node:(?:net|https?)$/))
  )
}

describe('the door to other machines', () => {
  it('is one file; who else opens a connection stays on this machine', () => {
    const files = sourceFiles().filter(
      (file) => !file.endsWith('.d.ts') && opensConnections(readFileSync(join(SRC, file), 'utf8')),
    )
    expect(files.map((file) => file.split(sep).join('/')).sort()).toEqual(Object.keys(OWN_SOCKETS).sort())
  })

  it('is told apart by a check that can fail', () => {
    expect(opensConnections("import { request } from 'node:https'")).toBe(true)
    expect(opensConnections("import { Agent, type Dispatcher } from 'undici'")).toBe(true)
    expect(opensConnections('const response = await fetch(url)')).toBe(true)
    expect(opensConnections("const driver = await import('pg')")).toBe(true)
    expect(opensConnections("import Agent from 'undici/lib/dispatcher/agent.js'")).toBe(true)
    expect(opensConnections("const send = process.getBuiltinModule('node:http').request")).toBe(true)
    expect(opensConnections("const { createServer } = process.getBuiltinModule('node:http')")).toBe(false)
    expect(opensConnections("import type { Agent } from 'undici'")).toBe(false)
    expect(opensConnections("import { createServer, type Socket } from 'node:net'")).toBe(false)
  })
})

describe('the shape of the code', () => {
  it('keeps every file under 400 lines', () => {
    const long = sourceFiles().filter((file) => readFileSync(join(SRC, file), 'utf8').split('\n').length > 400)
    expect(long).toEqual([])
  })

  it('keeps tests, benchmarks, scripts and the console under 400 lines, too', () => {
    const root = resolve(SRC, '..')
    const files = ['test', 'bench', 'scripts', 'dashboard'].flatMap((folder) =>
      readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).map((file) => join(folder, file)),
    )
    const long = files.filter(
      (file) => /\.(tsx?|mjs)$/.test(file) && readFileSync(join(root, file), 'utf8').split('\n').length > 401,
    )
    // A table of requirements and the tests that show them, which is read by its rows.
    expect(long).toEqual([join('test', 'requirements.ts')])
  })

  it('keeps the pipeline on about one screen', () => {
    const lines = readFileSync(join(SRC, 'pipeline/pipeline.ts'), 'utf8').split('\n').length
    expect(lines).toBeLessThanOrEqual(150)
  })

  it('names no provider and no threshold in the pipeline', () => {
    const text = readFileSync(join(SRC, 'pipeline/pipeline.ts'), 'utf8')
    expect(text).not.toMatch(/openai|anthropic|embedded|\b0\.\d+/i)
  })
})
