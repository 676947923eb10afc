/**
 * Writes what of `deploy/` is made from other files: the dashboards, and the chart's copies of rules and dashboards, since a chart
 * can read only what lies in it. `npm run deploy:files` writes, `--check` compares and ends with 1.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { DASHBOARDS, dashboardModel } from './dashboards.ts'

const DEPLOY = resolve(import.meta.dirname, '../../deploy')
const RULES = ['slo.yml', 'alerts.yml'] as const

/** Paths below `deploy/`, and what is to stand there. */
export function generatedFiles(): ReadonlyMap<string, string> {
  const dashboards = DASHBOARDS.flatMap((dashboard) => {
    const text = `${JSON.stringify(dashboardModel(dashboard), null, 2)}\n`
    const name = `dashboards/${dashboard.uid}.json`
    return [[`grafana/${name}`, text] as const, [`helm/spillway/files/${name}`, text] as const]
  })
  const rules = RULES.map(
    (name) =>
      [`helm/spillway/files/rules/${name}`, readFileSync(join(DEPLOY, 'prometheus/rules', name), 'utf8')] as const,
  )
  return new Map([...dashboards, ...rules])
}

function main(isCheck: boolean): void {
  for (const [path, text] of generatedFiles()) {
    const file = join(DEPLOY, path)
    if (!isCheck) {
      mkdirSync(dirname(file), { recursive: true })
      writeFileSync(file, text)
    } else if (readFileSync(file, 'utf8') !== text) {
      process.stderr.write(`deploy/${path} is not what it is made from: run npm run deploy:files\n`)
      process.exitCode = 1
    }
  }
}

if (import.meta.main) main(process.argv.includes('--check'))
