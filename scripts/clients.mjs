/**
 * `npm run test:clients -- [--json] [--only <client>] [--write]`: real clients against the built gateway. Gets ready like quickstart first;
 * what that says goes to the error stream.
 */
import { spawnSync } from 'node:child_process'
import { fail, pinnedNode, ROOT, run } from './prepare.mjs'

const prepared = spawnSync(process.execPath, ['scripts/prepare.mjs'], { cwd: ROOT, stdio: ['ignore', 2, 2] })
process.exitCode = prepared.status ?? 1
if (prepared.status === 0) {
  await run(pinnedNode(), ['test/clients/command.ts', ...process.argv.slice(2)]).catch(fail)
}
