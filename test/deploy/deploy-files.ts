/** What lies in `deploy/`, read as its programs read it. */
import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parse } from 'yaml'

export const ROOT = resolve(import.meta.dirname, '../..')
export const DEPLOY = join(ROOT, 'deploy')

export function textOf(path: string): string {
  return readFileSync(join(DEPLOY, path), 'utf8')
}

export function yamlOf<T>(path: string): T {
  return parse(textOf(path)) as T
}

export interface Rule {
  readonly record?: string
  readonly alert?: string
  readonly expr: string
  readonly labels?: Readonly<Record<string, string>>
  readonly annotations?: Readonly<Record<string, string>>
}

export function rules(): readonly Rule[] {
  return ['prometheus/rules/slo.yml', 'prometheus/rules/alerts.yml'].flatMap((path) =>
    yamlOf<{ groups: readonly { rules: readonly Rule[] }[] }>(path).groups.flatMap((group) => group.rules),
  )
}

/** Every query of every dashboard. */
export function dashboardQueries(): readonly string[] {
  return ['spillway-service', 'spillway-routing'].flatMap((uid) => {
    const { panels } = JSON.parse(textOf(`grafana/dashboards/${uid}.json`)) as {
      panels: readonly { targets: readonly { expr: string }[] }[]
    }
    return panels.flatMap(({ targets }) => targets.map(({ expr }) => expr))
  })
}

export interface Selector {
  readonly name: string
  readonly matchers: readonly { readonly label: string; readonly operator: string; readonly value: string }[]
}

/** The metrics that a query reads, with the labels it asks for. */
export function selectorsIn(expr: string): readonly Selector[] {
  return [...expr.matchAll(/\b(up|spillway[a-z0-9_:]*)\b(?:\{([^}]*)\})?/g)].map(([, name = '', inside = '']) => ({
    name,
    matchers: [...inside.matchAll(/(\w+)(=~|!~|!=|=)"([^"]*)"/g)].map(([, label = '', operator = '', value = '']) => ({
      ...{ label, operator, value },
    })),
  }))
}

/** What runs `spillway` there: the words after the program's name, one entry a command. */
export function ourCommands(): readonly (readonly string[])[] {
  const docker = textOf('Dockerfile').replaceAll('\\\n', ' ')
  const shell = [...docker.matchAll(/\bspillway ((?:engine|models|serve)\b[^&|\n"]*)/g)].map(([, words = '']) =>
    words.trim().split(/\s+/),
  )
  const lists = [docker, textOf('compose.yaml'), textOf('helm/spillway/templates/statefulset.yaml')].flatMap((text) =>
    [...text.matchAll(/\["spillway", ([^\]]*)\]/g)].map(([, words]) => JSON.parse(`[${words}]`) as string[]),
  )
  return [...shell, ...lists]
}
