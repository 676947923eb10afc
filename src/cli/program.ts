/** The command tree. */
import { readFileSync } from 'node:fs'
import { Command } from 'commander'
import { addAsk } from './ask.ts'
import { addAudit } from './audit.ts'
import { addBabysit } from './babysit.ts'
import { addBundle } from './bundle.ts'
import { addCalibrate } from './calibrate.ts'
import { addCompletions } from './completions.ts'
import { type AddCommand, type CliContext, packageFile } from './context.ts'
import { addCost } from './cost.ts'
import { addDoctor } from './doctor.ts'
import { addEngine } from './engine.ts'
import { addEval } from './eval.ts'
import { addFeedback } from './feedback.ts'
import { addFits } from './fits.ts'
import { addHeads } from './heads.ts'
import { addInit } from './init.ts'
import { addKeys } from './keys.ts'
import { addKill } from './kill.ts'
import { addLab } from './lab.ts'
import { addLearn } from './learn.ts'
import { addModels } from './models.ts'
import { addPolicy } from './policy.ts'
import { addPrior } from './prior.ts'
import { addRoute } from './route.ts'
import { addServe } from './serve.ts'
import { addSolve } from './solve.ts'
import { addStore } from './store.ts'
import { addTour } from './tour.ts'
import { addUninstall } from './uninstall.ts'
import { addWhy } from './why.ts'

/** In the order of the help text. */
const COMMANDS: readonly AddCommand[] = [
  addAsk,
  addRoute,
  addWhy,
  addServe,
  addTour,
  addInit,
  addPolicy,
  addDoctor,
  addEngine,
  addModels,
  addBundle,
  addFits,
  addBabysit,
  addAudit,
  addEval,
  addCost,
  addKill,
  addKeys,
  addSolve,
  addFeedback,
  addCalibrate,
  addHeads,
  addPrior,
  addLearn,
  addLab,
  addStore,
  addCompletions,
  addUninstall,
]

const EXIT_CODES = `
Exit codes: 0 ok, 1 failure, 2 usage, 3 nothing to run on, 4 does not fit, 5 blocked by policy, 6 acceptance bar missed,
130 interrupted.
Data goes to stdout, talk to stderr. NO_COLOR is respected.`

/** @returns the program; it throws CommanderError instead of ending the process, and leaves error texts to its caller */
export function buildProgram(context: CliContext): Command {
  const program = new Command('spillway')
    .description('Local-first LLM router: a small local model answers first, evidence decides what is kept.')
    .version(packageVersion())
    .addHelpText('after', EXIT_CODES)
    .enablePositionalOptions()
    .exitOverride()
    .configureOutput({ outputError: () => undefined })
    .showSuggestionAfterError(true)
  for (const add of COMMANDS) add(program, context)
  return program
}

function packageVersion(): string {
  const manifest = JSON.parse(readFileSync(packageFile('package.json'), 'utf8')) as { readonly version: string }
  return manifest.version
}
