/**
 * How well `spillway tasks discover` finds the applications of a file of requests, and their kinds, as JSON on stdout.
 *
 * Usage: node bench/discover.ts [--data DIR] [--json] (default: ../shared/data/traffic beside the repository)
 *
 * DIR holds requests.jsonl and apps.json. Discovery sees wire, headers and body of each row; `app` and apps.json are only for scoring:
 * an application counts as found when one group holds 90 % of its requests, 90 % of that group are its own, and the group's `match` in
 * the proposed policy sends the same requests to the task.
 */
import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { classify } from '../src/classify/features.ts'
import { readJsonLines } from '../src/cli/json-lines.ts'
import { readCalls } from '../src/cli/logged-calls.ts'
import { fileTraffic } from '../src/cli/tasks.ts'
import { sha256, studyTraffic } from '../src/cli/traffic-study.ts'
import type { TaskProposal } from '../src/eval/discover/propose.ts'
import { parsePolicy } from '../src/stores/policy-file.ts'

interface Application {
  readonly app: string
  readonly kind: string
  readonly labels?: readonly string[]
}

const FOUND_SHARE = 0.9

const { values } = parseArgs({
  options: {
    data: { type: 'string', default: path.join(import.meta.dirname, '../../shared/data/traffic') },
    json: { type: 'boolean', default: false },
  },
})
const folder = existsSync(path.join(values.data, 'traffic/requests.jsonl'))
  ? path.join(values.data, 'traffic')
  : values.data
const file = path.join(folder, 'requests.jsonl')

if (existsSync(file) && existsSync(path.join(folder, 'apps.json'))) {
  console.log(JSON.stringify(await score(), null, values.json ? 0 : 2))
} else {
  console.error(`No data in ${values.data}: requests.jsonl or apps.json is missing. Name the folder with --data DIR.`)
  process.exitCode = 2
}

async function score(): Promise<unknown> {
  const startedMs = performance.now()
  const study = await studyTraffic(fileTraffic({ file, format: 'jsonl' }), {
    leastRequests: 5,
    models: null,
    under: null,
  })
  const elapsedMs = Math.round(performance.now() - startedMs)
  const applications = JSON.parse(readFileSync(path.join(folder, 'apps.json'), 'utf8')) as readonly Application[]
  const appOf = await appsByRow()
  const taskOf = await matchedTasks(study.policy)
  const perApp = applications.map((application) => scored(application, study.discovery.proposals, { appOf, taskOf }))
  return {
    found: perApp.filter(({ found }) => found).length,
    rightKind: perApp.filter(({ found, kind, gold }) => found && kind === gold).length,
    rightLabels: perApp.filter(({ labels }) => labels === true).length,
    of: applications.length,
    groups: study.discovery.proposals.length,
    requests: study.read,
    ungrouped: study.discovery.ungrouped,
    elapsedMs,
    perApp,
  }
}

async function appsByRow(): Promise<ReadonlyMap<string, string>> {
  const apps = new Map<string, string>()
  for await (const { value } of readJsonLines(file)) apps.set(String(value.id), String(value.app))
  return apps
}

/** Where the proposed policy sends each request, by its `match` alone. */
async function matchedTasks(text: string): Promise<ReadonlyMap<string, string>> {
  const { policy } = parsePolicy(text, { file: 'the proposed policy', env: {} })
  const tasks = new Map<string, string>()
  for await (const found of readCalls({ file, format: 'jsonl' }))
    if ('call' in found) tasks.set(found.call.id, classify({ request: found.call.request, policy, sha256 }).task)
  return tasks
}

interface Rows {
  readonly appOf: ReadonlyMap<string, string>
  readonly taskOf: ReadonlyMap<string, string>
}

function scored({ app, kind: gold, labels }: Application, proposals: readonly TaskProposal[], { appOf, taskOf }: Rows) {
  const own = new Set([...appOf].filter(([, name]) => name === app).map(([id]) => id))
  const counted = proposals.map((proposal) => ({ proposal, hits: proposal.ids.filter((id) => own.has(id)).length }))
  const best = counted.toSorted((a, b) => b.hits - a.hits)[0]
  if (!best || best.hits === 0)
    return { app, gold, kind: null, found: false, covered: 0, pure: 0, matched: 0, labels: null }
  const { proposal, hits } = best
  const covered = hits / own.size
  const pure = hits / proposal.ids.length
  const sent = [...taskOf].filter(([, task]) => task === proposal.name).map(([id]) => id)
  const matched = sent.filter((id) => own.has(id)).length / Math.max(own.size, sent.length)
  const same =
    labels && [...(proposal.shape.labels ?? ['yes', 'no'])].toSorted().join() === [...labels].toSorted().join()
  return {
    app,
    task: proposal.name,
    gold,
    kind: proposal.kind,
    certainty: proposal.certainty,
    found: Math.min(covered, pure, matched) >= FOUND_SHARE,
    covered,
    pure,
    matched,
    labels: labels ? same : null,
  }
}
