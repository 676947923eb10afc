import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Ajv } from 'ajv'
import type { Command } from 'commander'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parseAllDocuments } from 'yaml'
import { generatedFiles } from '../../scripts/deploy/files.ts'
import { findPrivate } from '../../src/classify/privacy/find.ts'
import { buildProgram } from '../../src/cli/program.ts'
import { terminal } from '../../src/cli/terminal.ts'
import { systemClock } from '../../src/pipeline/clock.ts'
import { parsePolicy } from '../../src/stores/policy-file.ts'
import { DEPLOY, dashboardQueries, ourCommands, ROOT, rules, selectorsIn, textOf, yamlOf } from './deploy-files.ts'

const files = readdirSync(DEPLOY, { recursive: true, encoding: 'utf8' }).filter(
  (path) => !path.startsWith('secrets') && statSync(join(DEPLOY, path)).isFile(),
)
const templates = (path: string): boolean => path.startsWith('helm/spillway/templates')

interface Compose {
  readonly services: Readonly<Record<string, ComposeService>>
  readonly volumes: Readonly<Record<string, unknown>>
  readonly secrets: Readonly<Record<string, { readonly file?: string }>>
  readonly networks: Readonly<Record<string, unknown>>
}
interface ComposeService {
  readonly image: string
  readonly build?: { readonly dockerfile: string; readonly target: string }
  readonly healthcheck?: unknown
  readonly environment?: Readonly<Record<string, string>>
  readonly volumes?: readonly string[]
  readonly secrets?: readonly string[]
  readonly networks: readonly string[]
}
const compose = yamlOf<Compose>('compose.yaml')

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'spillway-deploy-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe('the files of a deployment', () => {
  it('are YAML and JSON that can be read', () => {
    const yaml = files.filter((path) => /\.ya?ml$/.test(path) && !templates(path))
    expect(yaml.length).toBeGreaterThan(8)
    for (const path of yaml)
      expect([path, parseAllDocuments(textOf(path)).flatMap(({ errors }) => errors)]).toEqual([path, []])
    for (const path of files.filter((one) => one.endsWith('.json')))
      expect(() => JSON.parse(textOf(path)), path).not.toThrow()
  })

  it('hold no secret', () => {
    const found = files.flatMap((path) =>
      findPrivate(textOf(path), ['secret']).map(({ start, end }) => textOf(path).slice(start, end)),
    )
    // Where secrets are mounted, and the name of one.
    expect(found.filter((text) => !['-/run/secrets', 'operator.key:'].includes(text))).toEqual([])
    const inline = /(?<![a-z])(password|secret|api_?key|token)["']?\s*[:=]\s*["']?(?!\/run\/secrets)[A-Za-z0-9+/]{8,}/i
    expect(files.filter((path) => inline.test(textOf(path)))).toEqual([])
  })

  it('say which version of each image is meant', () => {
    const images = Object.values(compose.services).map(({ image }) => image)
    const bases = [...textOf('Dockerfile').matchAll(/^ARG NODE=(.+)$/gm)].map(([, tag]) => `node:${tag}`)
    for (const image of [...images, ...bases]) expect(image).toMatch(/:v?\d+\.\d+(\.\d+)?(-[a-z0-9-]+)?$/)
    const from = [...textOf('Dockerfile').matchAll(/^FROM (\S+)/gm)].map(([, image]) => image)
    expect(from).toEqual(['node:${NODE}', 'node:${NODE}', 'node:${NODE}', 'slim'])
  })

  it('use the Node, the clients and the version that the package pins', () => {
    const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
      readonly version: string
      readonly devDependencies: Readonly<Record<string, string>>
    }
    const { version, devDependencies: pinned } = manifest
    const docker = textOf('Dockerfile')
    expect(docker).toContain(`ARG NODE=${pinned.node}-`)
    expect(docker).toContain(`pg@${pinned.pg} ioredis@${pinned.ioredis}`)
    expect(yamlOf('helm/spillway/Chart.yaml')).toMatchObject({ version, appVersion: version })
    expect(compose.services.gateway?.image).toBe(`spillway:${version}-cpu`)
  })

  it('are what they are made from', () => {
    for (const [path, text] of generatedFiles()) expect([path, textOf(path) === text]).toEqual([path, true])
  })
})

/** What of the words our command line does not know; a group of commands does nothing by itself. */
async function unknownIn(words: readonly string[]) {
  const context = { terminal, env: {}, clock: systemClock, signal: new AbortController().signal }
  let command: Command = await buildProgram(context, words)
  let rest = words
  for (;;) {
    const next = command.commands.find((one) => one.name() === rest[0])
    const acts = '_actionHandler' in command && command._actionHandler !== null
    if (!next) return { words, isGroup: !acts, unknown: command.parseOptions([...rest]).unknown }
    command = next
    rest = rest.slice(1)
  }
}

describe('the commands in them', () => {
  it('are known to our command line, flag by flag', async () => {
    const commands = ourCommands()
    expect(commands.map(([name]) => name)).toEqual(['engine', 'models', 'engine', 'serve', 'serve', 'serve'])
    for (const words of commands) expect(await unknownIn(words)).toEqual({ words, isGroup: false, unknown: [] })
  })

  it.each(['runbook', 'deploy'])('of the page %s are known as well', async (name) => {
    const page = readFileSync(join(ROOT, `docs/guides/${name}.md`), 'utf8')
    const commands = [...page.matchAll(/(?:`|exec gateway )spillway ([a-z][^`\n]*)/g)].map(([, words = '']) =>
      words.replace(/"[^"]*"/g, 'text').split(/\s+/),
    )
    expect(commands.length).toBeGreaterThan(1)
    for (const words of commands) expect(await unknownIn(words)).toEqual({ words, isGroup: false, unknown: [] })
  })

  it('serve where health is looked for', () => {
    for (const words of ourCommands().filter(([name]) => name === 'serve'))
      expect(words).toEqual(['serve', '--host', '0.0.0.0', '--port', '8484'])
    expect(textOf('Dockerfile')).toContain('http://127.0.0.1:8484/healthz')
    const stateful = textOf('helm/spillway/templates/statefulset.yaml')
    expect(stateful).toContain('containerPort: 8484')
    for (const [probe, path] of [
      ['livenessProbe', '/healthz'],
      ['readinessProbe', '/readyz'],
    ])
      expect(stateful).toMatch(new RegExp(`${probe}:\\n +httpGet: \\{ path: ${path}, port: http \\}`))
  })
})

describe('the policies in them', () => {
  it.each([
    ['compose', () => textOf('spillway.yaml')],
    ['the chart', () => yamlOf<{ readonly policy: string }>('helm/spillway/values.yaml').policy],
  ])('that of %s is valid', (_, text) => {
    const env = { OPENAI_API_KEY: 'k', DATABASE_URL: 'postgres://a:1/b', VALKEY_URL: 'redis://a:1' }
    expect(() => parsePolicy(text(), { file: join(folder, 'spillway.yaml'), env })).not.toThrow()
  })
})

describe('compose', () => {
  it('names only volumes, secrets and networks that it declares, and files that exist', () => {
    for (const [name, { volumes = [], secrets = [], networks }] of Object.entries(compose.services)) {
      for (const volume of volumes) {
        const source = volume.split(':', 1)[0] ?? ''
        if (source.startsWith('./')) expect(() => statSync(join(DEPLOY, source)), source).not.toThrow()
        else expect(Object.keys(compose.volumes), name).toContain(source)
      }
      for (const secret of secrets) expect(Object.keys(compose.secrets), name).toContain(secret)
      for (const network of networks) expect(Object.keys(compose.networks), name).toContain(network)
    }
    expect(compose.services.gateway?.build).toMatchObject({ dockerfile: 'deploy/Dockerfile', target: 'cpu' })
  })

  it('looks after the health of every service; the gateway brings its own', () => {
    const without = Object.entries(compose.services).filter(([, { healthcheck }]) => healthcheck === undefined)
    expect(without.map(([name]) => name)).toEqual(['gateway'])
    expect(textOf('Dockerfile')).toContain('HEALTHCHECK')
  })

  it('finds all its secrets after the script that makes them, which never makes one anew', () => {
    const secrets = join(folder, 'secrets')
    const make = (): void => void execFileSync('sh', [join(DEPLOY, 'make-secrets.sh'), secrets])
    make()
    const wanted = Object.values(compose.secrets).map(({ file }) => file?.replace('./secrets/', ''))
    expect(readdirSync(secrets).sort()).toEqual([...wanted].sort())
    const key = readFileSync(join(secrets, 'operator.key'), 'utf8')
    expect(key).toMatch(/^[0-9a-f]{48}\n$/)
    expect(readFileSync(join(secrets, 'DATABASE_URL'), 'utf8')).toContain(
      readFileSync(join(secrets, 'POSTGRES_PASSWORD'), 'utf8').trim(),
    )
    expect(statSync(secrets).mode & 0o777).toBe(0o700)
    make()
    expect(readFileSync(join(secrets, 'operator.key'), 'utf8')).toBe(key)
  })
})

describe('the entry point of the images', () => {
  const start = (secrets: string, ...words: readonly string[]) =>
    spawnSync('sh', [join(DEPLOY, 'entrypoint.sh'), ...words], {
      encoding: 'utf8',
      env: { PATH: process.env.PATH, SPILLWAY_SECRETS: secrets, XDG_STATE_HOME: join(folder, 'state') },
    })

  it('makes mounted secrets variables, and keys files that only the gateway reads', () => {
    const secrets = join(folder, 'mounted')
    mkdirSync(secrets)
    for (const [name, text] of [
      ['OPENAI_API_KEY', 'sim "quoted" $HOME\n'],
      ['lower', 'x'],
      ['1ST', 'x'],
      ['operator.key', 'k'.repeat(40)],
    ] as const)
      writeFileSync(join(secrets, name), text)
    const { stdout } = start(secrets, 'node', '-e', 'console.log(JSON.stringify(process.env))')
    const env = JSON.parse(stdout) as Readonly<Record<string, string>>
    expect(env).toMatchObject({ OPENAI_API_KEY: 'sim "quoted" $HOME' })
    expect(Object.keys(env)).not.toEqual(expect.arrayContaining([expect.stringMatching(/lower|1ST|operator/)]))
    const file = join(folder, 'state/spillway/operator.key')
    expect([readFileSync(file, 'utf8'), statSync(file).mode & 0o777]).toEqual(['k'.repeat(40), 0o600])
  })

  it('only starts the command where no secrets are mounted, and ends as it does', () => {
    expect(start(join(folder, 'nowhere'), 'sh', '-c', 'exit 7').status).toBe(7)
  })
})

describe('the chart', () => {
  interface Values extends Readonly<Record<string, unknown>> {
    readonly image: Readonly<Record<string, unknown>>
  }
  const accepts = new Ajv({ strictSchema: false }).compile(
    JSON.parse(textOf('helm/spillway/values.schema.json')) as object,
  )
  const defaults = yamlOf<Values>('helm/spillway/values.yaml')

  it.each(['full', 'least'])('takes the values of ci/%s-values.yaml', (name) => {
    const given = yamlOf<Values>(`helm/spillway/ci/${name}-values.yaml`)
    const merged = { ...defaults, ...given, image: { ...defaults.image, ...given.image } }
    expect([accepts(merged), accepts.errors]).toEqual([true, null])
  })

  it.each([
    ['no keys', {}],
    ['a value that nobody knows', { keysSecret: 'keys', replica: 3 }],
    ['an image that may be another one tomorrow', { keysSecret: 'keys', image: { ...defaults.image, tag: 'latest' } }],
    ['less time than answers under way have', { keysSecret: 'keys', terminationGracePeriodSeconds: 30 }],
    ['a target that does not exist', { keysSecret: 'keys', image: { ...defaults.image, target: 'cuda' } }],
  ])('refuses %s', (_, given) => {
    expect(accepts({ ...defaults, ...given })).toBe(false)
  })

  it('describes every value that its templates read', () => {
    const { properties } = JSON.parse(textOf('helm/spillway/values.schema.json')) as {
      readonly properties: Readonly<Record<string, { readonly properties?: Readonly<Record<string, unknown>> }>>
    }
    const read = files
      .filter(templates)
      .flatMap((path) => [...textOf(path).matchAll(/\.Values\.(\w+)(?:\.(\w+))?/g)])
      .filter(([, top = '', below]) => {
        const inside = properties[top]?.properties
        return !(top in properties) || (below !== undefined && inside !== undefined && !(below in inside))
      })
    expect(read.map(([text]) => text)).toEqual([])
  })

  it('runs as nobody special, on a root that cannot be written', () => {
    const text = textOf('helm/spillway/templates/statefulset.yaml')
    for (const line of [
      'runAsNonRoot: true',
      'readOnlyRootFilesystem: true',
      'allowPrivilegeEscalation: false',
      'automountServiceAccountToken: false',
      'capabilities: { drop: ["ALL"] }',
    ])
      expect(text).toContain(line)
    expect(textOf('Dockerfile')).toMatch(/^USER 1000:1000$/m)
  })
})

describe('rules and dashboards', () => {
  it('read only what rules record and what the gateway tells', () => {
    const recorded = new Set(rules().flatMap(({ record }) => record ?? []))
    const read = [...rules().map(({ expr }) => expr), ...dashboardQueries()].flatMap(selectorsIn)
    expect(read.length).toBeGreaterThan(50)
    expect(read.filter(({ name }) => name.includes(':') && !recorded.has(name))).toEqual([])
  })

  it('have a section of the runbook for each alert, and no section for an alert that does not exist', () => {
    const page = readFileSync(join(ROOT, 'docs/guides/runbook.md'), 'utf8')
    const sections = [...page.matchAll(/^## (Spillway\w+)$/gm)].map(([, name]) => name)
    const alerts = rules().filter(({ alert }) => alert !== undefined)
    expect(sections).toEqual(alerts.map(({ alert }) => alert))
    for (const { alert = '', annotations, labels } of alerts) {
      expect(annotations?.runbook).toBe(`docs/guides/runbook.md#${alert.toLowerCase()}`)
      expect(['page', 'ticket']).toContain(labels?.severity)
      const section = page.split(`## ${alert}\n`)[1]?.split('\n## ')[0] ?? ''
      for (const part of ['**Means**', '**Look**', '**Do**'])
        expect([alert, section.includes(part)]).toEqual([alert, true])
    }
  })
})
