/** The command tree. */
import { Command } from 'commander'
import { type AddCommand, type CliContext, packageVersion } from './context.ts'

/** Their groups in the help text stand in help.ts. Each is loaded when it is needed: a server starts without what the evaluations need. */
const COMMANDS: Readonly<Record<string, () => Promise<AddCommand>>> = {
  start: async () => (await import('./start.ts')).addStart,
  ask: async () => (await import('./ask.ts')).addAsk,
  route: async () => (await import('./route.ts')).addRoute,
  why: async () => (await import('./why.ts')).addWhy,
  serve: async () => (await import('./serve.ts')).addServe,
  launch: async () => (await import('./launch.ts')).addLaunch,
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
  mcp: async () => (await import('./mcp.ts')).addMcp,
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
  service: async () => (await import('./service.ts')).addService,
  completions: async () => (await import('./completions.ts')).addCompletions,
  uninstall: async () => (await import('./uninstall.ts')).addUninstall,
}

const CLOSING = `
Without a command: \`start\`.
Examples:
  spillway
  spillway ask "What is 15% of 80?"
  spillway serve
  spillway help ask

Exit codes: 0 ok, 1 failure, 2 usage, 3 nothing to run on, 4 does not fit,
5 blocked by policy, 6 acceptance bar missed, 130 interrupted.
Data goes to stdout, talk to stderr; every command takes --json. NO_COLOR and
FORCE_COLOR are respected.`

/**
 * @param argv the words after the program's name; where the first is a command, that one alone is in the program
 * @returns the program; it throws CommanderError instead of ending the process, and leaves error texts to its caller
 */
export async function buildProgram(context: CliContext, argv: readonly string[]): Promise<Command> {
  const program = new Command('spillway')
    .description('Local-first LLM router: a small local model answers first, evidence decides what is kept.')
    .version(packageVersion())
    .addHelpText('after', CLOSING)
    .enablePositionalOptions()
    .exitOverride()
    .configureOutput({ outputError: () => undefined })
    .showSuggestionAfterError(true)
  for (const add of await commandsFor(argv[0])) add(program, context)
  if (asksForHelp(program, argv)) (await import('./help.ts')).addHelpTexts(program)
  return program
}

/** A group of commands without one of them prints its help, too. */
function asksForHelp(program: Command, argv: readonly string[]): boolean {
  if (argv.some((word) => ['help', '--help', '-h', 'completions'].includes(word))) return true
  let command: Command | undefined = program
  for (const word of argv.filter((one) => !one.startsWith('-'))) {
    command = command.commands.find((child) => child.name() === word)
    if (command === undefined || command.commands.length === 0) return false
  }
  return true
}

/** Words that are no command's, but the program's own. */
const ABOUT = ['-h', '--help', '-V', '--version', 'help']

/**
 * What a person wrote, with the command that it stands for: nothing, or only options, means `start`.
 *
 * @param argv the words after the program's name
 */
export function withCommand(argv: readonly string[]): readonly string[] {
  const [first] = argv
  const isBare = first === undefined || (first.startsWith('-') && !ABOUT.includes(first))
  return isBare ? ['start', ...argv] : argv
}

/** A script of completions is made from all commands, and so is the help. */
function commandsFor(word: string | undefined): Promise<readonly AddCommand[]> {
  const own = word !== undefined && word !== 'completions' && Object.hasOwn(COMMANDS, word) ? COMMANDS[word] : undefined
  return Promise.all((own ? [own] : Object.values(COMMANDS)).map((load) => load()))
}
