/**
 * `npm run demo:rollout -- [--json] [--data DIR]`: a month of one task in minutes, as JSON. A calendar is put in the place of the clock; requests
 * are texts of a labelled stream; the local model is real, a head over its embeddings; the frontier is simulated; orders are given
 * by the commands of the package. Shadow until the bars are met, canary, accept; a worse candidate is turned down; another kind of texts comes
 * in and the task falls back; at last the kill switch, under load. Exit code 1 when one of these did not come so. Ten minutes or more.
 */
import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { killRound } from './kill/round.ts'
import { readStream, type StreamRow } from './learning/vectors.ts'
import { playMonth } from './rollout/month.ts'

const { values } = parseArgs({
  options: {
    data: { type: 'string', default: resolve(import.meta.dirname, '../../shared/data/streams') },
    json: { type: 'boolean' },
  },
})

const news = rowsOf('agnews')
const reviews = rowsOf('sst2')
const say = (line: string): void => void process.stderr.write(`${line}\n`)
const month = await playMonth({ news, reviews, say })
say('kill switch')
const killSwitch = await killRound()
process.stdout.write(`${JSON.stringify({ ...month, killSwitch }, null, 2)}\n`)
const { shadow, rotation, drift } = month
const isAsPromised =
  shadow.extraCloudCalls === 0 &&
  rotation.verdict === 'worse' &&
  rotation.promote.exitCode === 6 &&
  drift.stageAfter === 'shadow' &&
  killSwitch.wrongRouteAfter === 0
process.exitCode = isAsPromised ? 0 : 1

function rowsOf(set: string): readonly StreamRow[] {
  const file = join(values.data, `${set}.jsonl`)
  if (!existsSync(file)) throw new Error(`there is no ${file}; name a folder with labelled streams by --data`)
  return readStream(file, Number.POSITIVE_INFINITY)
}
