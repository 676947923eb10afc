/** Servers that the gateway uses where the policy names them, and goes on without: what is told of them, and when. */
import type { Logger } from 'pino'
import type { SharedRatesHealth } from '../spec/rates.ts'
import type { CopyHealth } from '../spec/router.ts'
import type { App } from './exchange.ts'

/** Each is absent where the policy does not name it. */
export interface Dependencies {
  readonly postgres?: CopyHealth
  readonly sharedLimits?: SharedRatesHealth
}

export function dependenciesOf({ router, limits }: Pick<App, 'router' | 'limits'>): Dependencies {
  const { copy } = router.status().audit
  const sharedLimits = limits.sharedHealth()
  return { ...(copy && { postgres: copy }), ...(sharedLimits && { sharedLimits }) }
}

const LOOK_MS = 1000

/** Logs a line for each change, not for each moment in which something is as it was. */
export function watchDependencies(app: Pick<App, 'router' | 'limits'>, log: Logger): { stop(): void } {
  const known = new Map<string, string>()
  const told = (dependency: string, { isGood, state, ...found }: Found): void => {
    if (known.get(dependency) === state) return
    known.set(dependency, state)
    log[isGood ? 'info' : 'warn']({ dependency, ...found })
  }
  const look = (): void => {
    const { postgres, sharedLimits } = dependenciesOf(app)
    if (postgres && postgres.state !== 'connecting') told('postgres', copyFound(postgres))
    if (sharedLimits && sharedLimits.state !== 'connecting') told('sharedLimits', limitsFound(sharedLimits))
  }
  const timer = setInterval(look, LOOK_MS).unref()
  return { stop: () => clearInterval(timer) }
}

interface Found {
  readonly isGood: boolean
  /** Two states with the same text are the same. */
  readonly state: string
  readonly [field: string]: unknown
}

function copyFound({ state, problem, lagRows, lagMs, lostRows, refusedRows, alarm }: CopyHealth): Found {
  const isGood = problem === null && alarm === null
  // Its numbers grow while nothing else changes.
  const text = `${state} ${alarm !== null} ${lostRows} ${refusedRows}`
  return { isGood, state: text, copying: state === 'copying', problem, lagRows, lagMs, lostRows, refusedRows, alarm }
}

function limitsFound({ state, problem }: SharedRatesHealth): Found {
  return { isGood: state === 'shared', state, counted: state, problem }
}
