/** Which version the service runs, and which one ran before. */
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { z } from 'zod'
import { usage } from '../failure.ts'

const installedSchema = z.object({ program: z.string(), version: z.string() })
const recordSchema = z.object({
  current: installedSchema,
  /** What `service rollback` goes back to. */
  previous: installedSchema.nullable(),
  node: z.string(),
  args: z.array(z.string()),
})

export type InstalledVersion = z.output<typeof installedSchema>
export type ServiceRecord = z.output<typeof recordSchema>

export function recordFile(stateDir: string): string {
  return join(stateDir, 'service.json')
}

/** @returns null when no service was installed. @throws RouterError usage: the file cannot be read */
export function readRecord(stateDir: string): ServiceRecord | null {
  const file = recordFile(stateDir)
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch {
    return null
  }
  try {
    return recordSchema.parse(JSON.parse(text))
  } catch {
    throw usage(`${file} cannot be read`, 'Move it aside, and run `spillway service install` again.')
  }
}

export function writeRecord(stateDir: string, record: ServiceRecord): void {
  const file = recordFile(stateDir)
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
  writeFileSync(`${file}.new`, `${JSON.stringify(record, null, 2)}\n`, { mode: 0o600 })
  renameSync(`${file}.new`, file)
}

export function removeRecord(stateDir: string): void {
  rmSync(recordFile(stateDir), { force: true })
}
