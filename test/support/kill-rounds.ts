/** Kills a busy client at random moments, over and over, and compares what the cloud saw with what the audit says. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { randomFrom } from '../../src/learn/random.ts'
import { auditPaths, openAuditLog, readAuditLog } from '../../src/stores/audit-log.ts'
import { listJournals } from '../../src/stores/journal-files.ts'
import { openAiText } from './cloud-answers.ts'
import { type ScriptedCloud, startScriptedCloud } from './scripted-cloud.ts'

export interface KillReport {
  readonly kills: number
  /** Requests that reached the cloud. */
  readonly reached: number
  /** Of those, the ones without a row, or whose row does not show the call. */
  readonly lost: readonly string[]
  /** Requests that reached the cloud twice, or whose row shows two calls. */
  readonly doubled: readonly string[]
  /** Rows that are neither settled nor marked interrupted. */
  readonly open: readonly string[]
  readonly interrupted: number
}

const CLIENT = resolve(import.meta.dirname, 'crash-client.ts')
/** Long enough for a few hundred requests, short enough for many rounds. Milliseconds after the first request. */
const LONGEST_MS = 120
/** Clients at once; they share the state directory. */
const LANES = 2
/** Each moves what it can in the ten seconds that a close waits. */
const MOST_STARTS = 10

export async function killRounds({
  kills,
  seed,
}: {
  readonly kills: number
  readonly seed: number
}): Promise<KillReport> {
  const folder = mkdtempSync(join(tmpdir(), 'spillway-kill-'))
  const cloud = await startScriptedCloud()
  cloud.otherwise(openAiText('simulated answer'))
  const random = randomFrom(seed)
  try {
    await once(startClient('warm', { folder, cloud }), 'exit')
    const next = Array.from({ length: kills }, (_, round) => ({ round, afterMs: random() * LONGEST_MS }))
    const lane = async (): Promise<void> => {
      for (let one = next.shift(); one; one = next.shift()) await killOne(one, { folder, cloud })
    }
    await Promise.all(Array.from({ length: LANES }, lane))
    // Whoever starts next takes over what the dead left; on a busy machine a start that is closed at once leaves some to the next.
    const { directory } = auditPaths(folder)
    for (let start = 0; start === 0 || (start < MOST_STARTS && listJournals(directory).length > 0); start++)
      await openAuditLog({ stateDir: folder, durability: 'process', onFailure: 'refuse' }).close()
    return compared(
      folder,
      cloud.requests.map(({ text }) => /marker ([\d-]+)/.exec(text)?.[1] ?? 'unmarked'),
      kills,
    )
  } finally {
    await cloud.close()
    rmSync(folder, { recursive: true, force: true })
  }
}

interface Round {
  readonly round: number
  /** From its first request on. */
  readonly afterMs: number
}

interface Place {
  readonly folder: string
  readonly cloud: ScriptedCloud
}

/** Most of a round is starting; what was compiled once is compiled for all. */
function startClient(round: string, { folder, cloud }: Place): ChildProcess {
  const env = { ...process.env, NODE_COMPILE_CACHE: join(folder, 'compiled') }
  return spawn(process.execPath, [CLIENT, folder, cloud.openAiBaseUrl, round], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env,
  })
}

async function killOne({ round, afterMs }: Round, place: Place): Promise<void> {
  const child = startClient(`${round}`, place)
  const gone = once(child, 'exit')
  const isAsking = (): boolean => place.cloud.requests.some(({ text }) => text.includes(`marker ${round}-`))
  while (!isAsking() && child.exitCode === null) await new Promise((done) => setTimeout(done, 1))
  await new Promise((done) => setTimeout(done, afterMs))
  child.kill('SIGKILL')
  await gone
}

function compared(folder: string, reached: readonly string[], kills: number): KillReport {
  const reader = readAuditLog({ stateDir: folder })
  const records = new Map(reader.list({}).map((record) => [record.requestId, record]))
  reader.close()
  const twice = reached.filter((id, index) => reached.indexOf(id, index + 1) !== -1)
  return {
    kills,
    reached: reached.length,
    lost: reached.filter((id) => (records.get(id)?.calls.length ?? 0) === 0),
    doubled: [
      ...twice,
      ...[...records.values()].filter(({ calls }) => calls.length > 1).map(({ requestId }) => requestId),
    ],
    open: [...records.values()].filter(({ outcome }) => outcome === 'open').map(({ requestId }) => requestId),
    interrupted: [...records.values()].filter(({ outcome }) => outcome === 'interrupted').length,
  }
}
