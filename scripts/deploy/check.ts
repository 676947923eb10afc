/**
 * What the programs of others say of `deploy/`: `npm run check:deploy`. Prints JSON; ends with 1 when one of them found something.
 * A program that is not there is `missing`, and what it would check is checked by nobody. `-- --build` builds helm and the reader of
 * Kubernetes types from the Go proxy first; promtool comes with Debian's package prometheus.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parseAllDocuments } from 'yaml'

const ROOT = resolve(import.meta.dirname, '../..')
const CHART = join(ROOT, 'deploy/helm/spillway')
const TOOLS = join(ROOT, 'node_modules/.cache/deploy-tools')
const HELM = 'helm.sh/helm/v3/cmd/helm@v3.18.6'
const VALUES = ['least', 'full'] as const
/** A helm that was built from source takes itself for the oldest one. */
const KUBERNETES = ['--kube-version', '1.33.0'] as const
/** Their types belong to the Prometheus operator, and are not in k8s.io/api. */
const UNTYPED = /^monitoring\.coreos\.com\/v1\//

interface Check {
  readonly name: string
  readonly state: 'passed' | 'failed' | 'missing'
  /** What was found, or which program is missing. */
  readonly found: readonly string[]
}

interface Ran {
  readonly isGood: boolean
  readonly stdout: string
  readonly said: readonly string[]
}

function main(words: readonly string[]): void {
  if (words.includes('--build')) buildTools()
  const checks = [
    ...VALUES.flatMap((name) => [lint(name), types(name)]),
    promtool('rules', ['check', 'rules', 'deploy/prometheus/rules/slo.yml', 'deploy/prometheus/rules/alerts.yml']),
    promtool('scrape configuration', ['check', 'config', '--syntax-only', 'deploy/prometheus/prometheus.yml']),
    compose(),
  ]
  process.stdout.write(`${JSON.stringify({ checks }, null, 2)}\n`)
  if (checks.some(({ state }) => state === 'failed')) process.exitCode = 1
}

function lint(values: (typeof VALUES)[number]): Check {
  const ran = run('helm', [
    'lint',
    '--strict',
    CHART,
    ...KUBERNETES,
    '--values',
    join(CHART, `ci/${values}-values.yaml`),
  ])
  return told(`helm lint, ${values} values`, 'helm', ran)
}

/** Rendered as it would be installed; every object is then read strictly by the types of Kubernetes. */
function types(values: (typeof VALUES)[number]): Check {
  const name = `helm template and types of Kubernetes, ${values} values`
  const file = join(CHART, `ci/${values}-values.yaml`)
  const rendered = run('helm', ['template', 'r', CHART, ...KUBERNETES, '--values', file])
  if (!rendered?.isGood) return told(name, 'helm', rendered)
  const objects = parseAllDocuments(rendered.stdout).flatMap((document) => (document.toJS() as object | null) ?? [])
  const ran = run('kube-types', [], objects.map((object) => `${JSON.stringify(object)}\n`).join(''))
  if (!ran?.isGood) return told(name, 'kube-types', ran)
  const wrong = ran.stdout.split('\n').filter((line) => line !== '' && !UNTYPED.test(line))
  return { name, state: wrong.length === 0 ? 'passed' : 'failed', found: [...wrong, `${objects.length} objects`] }
}

function promtool(name: string, words: readonly string[]): Check {
  return told(`promtool, ${name}`, 'promtool', run('promtool', words))
}

/** Only the plug-in reads compose files; the client alone does not know the word. */
function compose(): Check {
  const isThere = run('docker', ['compose', 'version'])?.isGood === true
  const ran = isThere ? run('docker', ['compose', '--file', 'deploy/compose.yaml', 'config', '--quiet']) : null
  return told('docker compose config', 'docker compose', ran)
}

function told(name: string, program: string, ran: Ran | null): Check {
  if (ran === null) return { name, state: 'missing', found: [`${program} is not installed`] }
  return { name, state: ran.isGood ? 'passed' : 'failed', found: ran.said }
}

/** @returns null when there is no such program */
function run(program: string, words: readonly string[], input = ''): Ran | null {
  const built = join(TOOLS, program)
  const { status, stdout, stderr, error } = spawnSync(existsSync(built) ? built : program, words, {
    cwd: ROOT,
    encoding: 'utf8',
    input,
    maxBuffer: 64 * 1024 * 1024,
  })
  if (error) return null
  const said = status === 0 ? [] : `${stdout}\n${stderr}`.split('\n').filter((line) => line.trim() !== '')
  return { isGood: status === 0, stdout, said: said.slice(-20) }
}

/** @throws Error when Go is missing, or cannot build one of them */
function buildTools(): void {
  mkdirSync(TOOLS, { recursive: true })
  const go = (words: readonly string[], cwd: string): void => {
    const { status, error } = spawnSync('go', words, {
      cwd,
      stdio: ['ignore', 'inherit', 'inherit'],
      env: { ...process.env, GOBIN: TOOLS, GOFLAGS: '-mod=readonly' },
    })
    if (error || status !== 0)
      throw new Error(`go ${words.join(' ')} failed: ${error?.message ?? `exit code ${status}`}`)
  }
  go(['install', HELM], TOOLS)
  go(['build', '-o', join(TOOLS, 'kube-types'), '.'], join(import.meta.dirname, 'kube-types'))
}

main(process.argv.slice(2))
