/** `spillway bundle`: models and the engine in one file, for machines without network. */
import { statSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { createBundle } from '../models/bundle/create.ts'
import { installBundle } from '../models/bundle/install.ts'
import { resolvePaths } from '../models/paths.ts'
import { type AddCommand, addCommand, type CliContext } from './context.ts'
import { usage } from './failure.ts'
import { printResult } from './terminal.ts'

interface CreateFlags {
  readonly model?: readonly string[]
  readonly engine?: true
  readonly json?: true
}

interface InstallFlags {
  readonly json?: true
}

export const addBundle: AddCommand = (program, context) => {
  const bundle = program
    .command('bundle')
    .description('models and the engine in one file, for machines without network')
  addCommand(bundle, 'create <file.tar>', 'write models and the engine of this machine into one file')
    .option('--model <name>', 'a model of the catalogue, or one that was added; can be repeated', collect)
    .option('--engine', 'also the engine; it runs on the same system and processor only')
    .action((file: string, flags: CreateFlags) => create(file, flags, context))
  addCommand(bundle, 'install <file.tar>', 'check a bundle as a whole, then put what it holds in place').action(
    (file: string, flags: InstallFlags) => install(file, flags, context),
  )
}

function collect(value: string, earlier: readonly string[] = []): readonly string[] {
  return [...earlier, value]
}

const MEGABYTE = 1_000_000

async function create(file: string, flags: CreateFlags, context: CliContext): Promise<void> {
  const models = flags.model ?? []
  if (models.length === 0 && !flags.engine)
    throw usage('The bundle would be empty', 'Name models with --model, or add --engine, or both.')
  requireFolder(file)
  const paths = resolvePaths(context.env, process.platform)
  const { signal } = context
  const made = await createBundle({ file, models, engine: flags.engine ? 'with' : 'without', paths, signal })
  const { platform, engine, models: bundled, files } = made.manifest
  const value = { file: made.file, sizeBytes: made.sizeBytes, platform, engine, models: bundled, files: files.length }
  const what = [...bundled.map(({ name }) => name), ...(engine ? [`the engine ${engine.version} for ${platform}`] : [])]
  const lines = [`${made.file} (${Math.round(made.sizeBytes / MEGABYTE)} MB) holds ${what.join(', ')}`]
  printResult({ json: flags.json, value, lines }, context.terminal)
}

/** Before thousands of files are read. @throws RouterError usage */
function requireFolder(file: string): void {
  const folder = dirname(resolve(file))
  if (statSync(folder, { throwIfNoEntry: false })?.isDirectory() !== true)
    throw usage(`There is no folder ${folder}`, 'Create it, or name another file.')
  if (statSync(file, { throwIfNoEntry: false })?.isDirectory() === true)
    throw usage(`${file} is a folder`, 'Name a file, such as models.tar.')
}

async function install(file: string, flags: InstallFlags, context: CliContext): Promise<void> {
  const paths = resolvePaths(context.env, process.platform)
  const value = await installBundle({ file, paths, signal: context.signal })
  const { engine, models } = value
  const lines = [
    ...(engine === null
      ? []
      : [
          `engine ${engine.version} is in ${engine.path}${engine.state === 'was_there' ? ' (it was there already)' : ''}`,
        ]),
    ...models.map(({ name, path, sha256 }) => `model ${name} is in ${path} (sha256 ${sha256.slice(0, 12)}…)`),
  ]
  printResult({ json: flags.json, value, lines }, context.terminal)
}
