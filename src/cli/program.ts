/** The command tree. */
import { readFileSync } from 'node:fs'
import { Command } from 'commander'
import { type AddCommand, type CliContext, packageFile } from './context.ts'

/** In the order of the help text. Each is loaded when it is needed: a server starts without what the evaluations need. */
const COMMANDS: Readonly<Record<string, () => Promise<AddCommand>>> = {
  ask: async () => (await import('./ask.ts')).addAsk,
  route: async () => (await import('./route.ts')).addRoute,
  why: async () => (await import('./why.ts')).addWhy,
  serve: async () => (await import('./serve.ts')).addServe,
  tour: async () => (await import('./tour.ts')).addTour,
  init: async () => (await import('./init.ts')).addInit,
  policy: async () => (await import('./policy.ts')).addPolicy,
  doctor: async () => (await import('./doctor.ts')).addDoctor,
  engine: async () => (await import('./engine.ts')).addEngine,
  models: async () => (await import('./models.ts')).addModels,
  bundle: async () => (await import('./bundle.ts')).addBundle,
  fits: async () => (await import('./fits.ts')).addFits,
  babysit: async () => (await import('./babysit.ts')).addBabysit,
  audit: async () => (await import('./audit.ts')).addAudit,
  eval: async () => (await import('./eval.ts')).addEval,
  replay: async () => (await import('./replay.ts')).addReplay,
  metrics: async () => (await import('./metrics.ts')).addMetrics,
  top: async () => (await import('./top.ts')).addTop,
  dashboard: async () => (await import('./dashboard.ts')).addDashboard,
  cost: async () => (await import('./cost.ts')).addCost,
  rollout: async () => (await import('./rollout.ts')).addRollout,
  kill: async () => (await import('./kill.ts')).addKill,
  keys: async () => (await import('./keys.ts')).addKeys,
  batch: async () => (await import('./batch.ts')).addBatch,
  solve: async () => (await import('./solve.ts')).addSolve,
  feedback: async () => (await import('./feedback.ts')).addFeedback,
  review: async () => (await import('./review.ts')).addReview,
  calibrate: async () => (await import('./calibrate.ts')).addCalibrate,
  heads: async () => (await import('./heads.ts')).addHeads,
  prior: async () => (await import('./prior.ts')).addPrior,
  learn: async () => (await import('./learn.ts')).addLearn,
  lab: async () => (await import('./lab.ts')).addLab,
  tasks: async () => (await import('./tasks.ts')).addTasks,
  store: async () => (await import('./store.ts')).addStore,
  completions: async () => (await import('./completions.ts')).addCompletions,
  uninstall: async () => (await import('./uninstall.ts')).addUninstall,
}

const EXIT_CODES = `
Exit codes: 0 ok, 1 failure, 2 usage, 3 nothing to run on, 4 does not fit, 5 blocked by policy, 6 acceptance bar missed,
130 interrupted.
Data goes to stdout, talk to stderr. NO_COLOR is respected.`

/**
 * @param argv the words after the program's name; where the first is a command, that one alone is in the program
 * @returns the program; it throws CommanderError instead of ending the process, and leaves error texts to its caller
 */
export async function buildProgram(context: CliContext, argv: readonly string[]): Promise<Command> {
  const program = new Command('spillway')
    .description('Local-first LLM router: a small local model answers first, evidence decides what is kept.')
    .version(packageVersion())
    .addHelpText('after', EXIT_CODES)
    .enablePositionalOptions()
    .exitOverride()
    .configureOutput({ outputError: () => undefined })
    .showSuggestionAfterError(true)
  for (const add of await commandsFor(argv[0])) add(program, context)
  return program
}

/** A script of completions is made from all commands, and so is the help. */
function commandsFor(word: string | undefined): Promise<readonly AddCommand[]> {
  const own = word !== undefined && word !== 'completions' && Object.hasOwn(COMMANDS, word) ? COMMANDS[word] : undefined
  return Promise.all((own ? [own] : Object.values(COMMANDS)).map((load) => load()))
}

function packageVersion(): string {
  const manifest = JSON.parse(readFileSync(packageFile('package.json'), 'utf8')) as { readonly version: string }
  return manifest.version
}
