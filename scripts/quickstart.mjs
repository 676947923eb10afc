/**
 * From a fresh clone to a local model that answers: `npm run quickstart`. Runs on Node 20 and newer; everything after
 * the packages runs under the Node that the lock file pins.
 */
import { build, fail, MODEL, preparePackages, spillway, timed } from './prepare.mjs'

const DOCTOR_FOUND_NOTHING_TO_RUN = 3 // Expected before the engine and the model are there.

try {
  const packages = await timed('packages', preparePackages)
  const built = await timed('build', build)
  const checked = await timed('doctor', () => spillway(['doctor']).catch(allowNothingToRun))
  const engine = await timed('engine', () => spillway(['engine', 'install']))
  const model = await timed('model', () => spillway(['models', 'pull', MODEL]))
  process.stderr.write('\n')
  const tour = await timed('tour', () => spillway(['tour']))
  const downloads = packages + engine + model
  const own = built + checked + tour
  process.stderr.write(
    `ready in ${(downloads + own).toFixed(1)} s: downloads ${downloads.toFixed(1)} s, all else ${own.toFixed(1)} s\n`,
  )
} catch (error) {
  fail(error)
}

function allowNothingToRun(error) {
  if (error.exitCode !== DOCTOR_FOUND_NOTHING_TO_RUN) throw error
}
