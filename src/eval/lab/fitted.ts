/** A fitted method in a file. */
import { readFileSync, writeFileSync } from 'node:fs'
import { RouterError } from '../../spec/errors.ts'
import { closest } from '../../spec/suggest.ts'
import type { LabMethod, LabRecording, LabSetting, LabState } from './method.ts'
import { METHODS } from './methods.ts'
import { SETTINGS } from './settings.ts'

export interface FittedFile {
  readonly form: typeof FORM
  readonly method: string
  readonly setting: LabSetting
  readonly fittedOn: number
  readonly seed: number
  readonly state: LabState
}

const FORM = 'spillway-lab-1'

export interface SettingFlags {
  readonly local?: string
  readonly frontier?: string
  readonly peers?: string
}

/** @throws RouterError request_invalid with the known names */
export function methodNamed(name: string): LabMethod {
  const method = METHODS.find((one) => one.name === name)
  if (method) return method
  const names = METHODS.map((one) => one.name)
  const near = closest(name, names)
  throw invalid('--method', `${name} is no method`, near ? `Did you mean ${near}?` : `Known: ${names.join(', ')}.`)
}

/** The pair named by flags, or the one that the table has for this recording. */
export function settingFor({ name, models, rows }: LabRecording, flags: SettingFlags): LabSetting {
  const known = SETTINGS.find(({ recording }) => recording === name)
  const local = flags.local ?? known?.local ?? models[0] ?? ''
  const frontier = flags.frontier ?? known?.frontier ?? models.at(-1) ?? ''
  const peers = flags.peers?.split(',').filter((peer) => peer !== '') ?? (flags.local ? [] : (known?.peers ?? []))
  for (const model of [local, frontier, ...peers])
    if (!models.includes(model))
      throw invalid('the models', `${model} is not in the recording`, `Recorded: ${models.join(', ')}.`)
  const isAfter = rows.some(
    ({ answers, logprobs, response, samples, confidences, verifications }) =>
      answers ?? logprobs ?? response ?? samples ?? confidences ?? verifications,
  )
  return {
    name: flags.local ? `${local} to ${frontier}` : (known?.name ?? `${local} to ${frontier}`),
    recording: name,
    local,
    frontier,
    peers,
    kind: known?.kind ?? (isAfter ? 'after' : 'before'),
    task: known?.task ?? 'given',
  }
}

/** @throws RouterError request_invalid for a file that cannot be written */
export function writeFitted(file: string, fitted: Omit<FittedFile, 'form'>): void {
  try {
    writeFileSync(file, `${JSON.stringify({ form: FORM, ...fitted })}\n`)
  } catch (error) {
    throw invalid(file, `it cannot be written (${codeOf(error)})`, 'Check the path and the permissions.')
  }
}

/** @throws RouterError request_invalid for a file that is no fit */
export function readFitted(file: string): FittedFile {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    throw invalid(file, `it cannot be read (${codeOf(error)})`, 'Write one with `spillway lab fit`.')
  }
  try {
    const fitted = JSON.parse(text) as FittedFile
    if (fitted.form === FORM) return fitted
  } catch {
    // Told below, as for JSON of another kind.
  }
  throw invalid(file, 'it is no fit of this version', 'Write one with `spillway lab fit`.')
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'unreadable'
}

function invalid(path: string, problem: string, fix: string): RouterError {
  return new RouterError('request_invalid', { path, problem, fix })
}
