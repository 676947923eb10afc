/**
 * Gets ready like quickstart, then runs the tests of one project: `npm test` (unit), `npm run test:system`,
 * `npm run test:long`. Further arguments go to vitest.
 */

import { join } from 'node:path'
import { installServers } from './install-servers.mjs'
import { binOf, build, fail, pinnedNode, prepareModels, preparePackages, ROOT, run, timed } from './prepare.mjs'

const [project = 'unit', ...rest] = process.argv.slice(2)

/** Most files wait for processes and sockets. Of the system's tests the configuration says which run one after the other. */
const workers = project === 'unit' ? ['--maxWorkers=2'] : []
const projects = project === 'system' ? ['system', 'system-alone'] : [project]

/** Soaks are written when something is worth soaking; until then their command has nothing to do and says so. */
const lenient = project === 'long' ? ['--passWithNoTests'] : []

try {
  await timed('packages', preparePackages)
  await timed('build', build)
  await timed('engine and model', prepareModels)
  if (project === 'system') await timed('servers', installServers)
  await run(
    pinnedNode(),
    [
      binOf('vitest', 'vitest'),
      'run',
      ...projects.flatMap((name) => ['--project', name]),
      ...workers,
      ...lenient,
      ...rest,
    ],
    {
      env: onPinnedPath(),
    },
  )
} catch (error) {
  fail(error)
}

/** Child processes that tests start by the name `node` get the pinned one, too. */
function onPinnedPath() {
  const separator = process.platform === 'win32' ? ';' : ':'
  return { PATH: `${join(ROOT, 'node_modules', '.bin')}${separator}${process.env.PATH ?? ''}` }
}
