/** `spillway models pull`: from the catalogue, a hub, an address, a Python package, or a path. */
import { pullFile } from '../models/fetch/pull.ts'
import { parseReference } from '../models/fetch/reference.ts'
import { resolvePaths } from '../models/paths.ts'
import { RouterError } from '../spec/errors.ts'
import type { CliContext } from './context.ts'
import { usage } from './failure.ts'
import { getModel, watched } from './get-local.ts'
import { add, expectedSha256 } from './models-add.ts'
import { printResult } from './terminal.ts'
import { waysOut, waysOutLines } from './ways-out.ts'

export interface PullFlags {
  readonly name?: string
  readonly sha256?: string
  readonly json?: true
}

/** @throws RouterError usage for what is no reference, and whatever fetching throws */
export async function pull(text: string, flags: PullFlags, context: CliContext): Promise<void> {
  const reference = parseReference(text)
  if (reference.kind === 'path') return await add(reference.path, flags, context)
  if (reference.kind === 'name') return await pullKnown(reference.name, flags, context)
  const model = await watched(context, (onProgress) =>
    pullFile({
      ...request(context),
      reference,
      name: flags.name ?? null,
      sha256: expectedSha256(flags.sha256),
      onProgress,
    }),
  )
  const unchecked = model.checkedAgainst === 'none' ? '; nobody told a hash to check it against' : ''
  const line = `model ${model.name} is in ${model.path} (${model.source}, sha256 ${model.sha256.slice(0, 12)}…${unchecked})`
  printResult({ json: flags.json, value: model, lines: [line] }, context.terminal)
}

function request(context: CliContext) {
  return { env: { ...context.env }, paths: resolvePaths(context.env, process.platform), signal: context.signal }
}

async function pullKnown(name: string, flags: PullFlags, context: CliContext): Promise<void> {
  if (flags.name !== undefined || flags.sha256 !== undefined)
    throw usage('--name and --sha256 belong to a reference', `${name} has a name, and a hash in the catalogue.`)
  const model = await getModel(name, undefined, context).catch((error: unknown) => {
    if (error instanceof RouterError && error.code === 'not_found') throw usage(error.message, error.fix)
    if (error instanceof RouterError && error.code === 'model_unobtainable')
      for (const line of waysOutLines(waysOut(context))) context.terminal.say(line)
    throw error
  })
  const line = `model ${name} is in ${model.path} (${model.source}, sha256 ${model.sha256.slice(0, 12)}…)`
  printResult({ json: flags.json, value: { name, ...model }, lines: [line] }, context.terminal)
}
