/** Six ways on where no model hub can be reached, each a command that works without one. */
import { resolvePaths } from '../models/paths.ts'
import { scanStores } from '../models/scan.ts'
import type { CliContext } from './context.ts'
import { SHIPPED_MODEL } from './found-plan.ts'

export interface WayOut {
  readonly way: string
  /** In the order in which they are to be run; the first may belong to another machine. */
  readonly commands: readonly string[]
  /** What is known of this way on this machine; null when nothing is. */
  readonly note: string | null
}

/** Reads folders of other programs; asks nobody. */
export function waysOut({ env }: Pick<CliContext, 'env'>): readonly WayOut[] {
  const { found } = scanStores(env, resolvePaths(env, process.platform))
  const [first] = found
  const here = first ? `${found.length} found, for example ${first.name}` : 'none found yet'
  return [
    {
      way: 'a model file that another program keeps here',
      commands: ['spillway models add --scan', `spillway models add ${first?.name ?? 'NAME'}`],
      note: here,
    },
    {
      way: 'a mirror of the hub',
      commands: [`HF_ENDPOINT=https://MIRROR spillway models pull ${SHIPPED_MODEL}`],
      note: 'a mirror may still send large files to hosts of the hub',
    },
    { way: 'a file', commands: ['spillway models add ./FILE.gguf --sha256 HEX'], note: null },
    {
      way: 'another machine of the same system',
      commands: [
        `there: spillway bundle create spillway.tar --engine --model ${SHIPPED_MODEL}`,
        'here: spillway bundle install spillway.tar',
      ],
      note: 'one file with engine and model, checked by hashes',
    },
    {
      way: 'a model server that you have',
      commands: ['spillway init --local http://127.0.0.1:8000/v1', 'spillway init --frontier http://10.0.0.5:8000/v1'],
      note: 'on this machine it is local, on another one a frontier',
    },
    {
      way: 'no local model for now',
      commands: ['spillway init --local none'],
      note: 'solvers, rules, cache and frontiers; the same file when a model comes',
    },
  ]
}

/** Numbered, for people. */
export function waysOutLines(ways: readonly WayOut[]): readonly string[] {
  return [
    'Six ways on without the model hub:',
    ...ways.flatMap(({ way, commands, note }, index) => [
      `  ${index + 1} ${way}${note === null ? '' : ` (${note})`}`,
      ...commands.map((command) => `      ${command}`),
    ]),
  ]
}
