/** The kill switch: what is out of service, and how to put it back. */
import { useState } from 'preact/hooks'
import type { KillChange, KillMode, KillOrder } from '../../../src/spec/kill-switch.ts'
import type { TaskOverride } from '../../../src/spec/task-override.ts'
import { post } from '../api.ts'
import { moment, words } from '../format.ts'
import { useReport } from '../use-report.ts'
import { ReasonDialog } from './dialog.tsx'
import { Icon } from './icon.tsx'
import { Shown } from './state.tsx'

interface KillState {
  readonly orders: readonly KillOrder[]
  readonly history: readonly KillChange[]
}

const ORDERS: readonly { readonly mode: KillMode; readonly does: string }[] = [
  { mode: 'frontier_only', does: 'No local model is asked.' },
  { mode: 'local_only', does: 'No frontier is asked; nothing leaves this machine.' },
  { mode: 'stop', does: 'Nobody is asked; every request is refused or held.' },
]

type Wanted = { readonly order: KillMode | 'off'; readonly scope: string }

export function KillPanel({ overrides }: { readonly overrides: readonly TaskOverride[] }) {
  const report = useReport<KillState>('/kill', { everyMs: 5000 })
  const [wanted, setWanted] = useState<Wanted | null>(null)
  return (
    <section class="panel kill" aria-labelledby="kill">
      <h2 id="kill">Kill switch</h2>
      <Shown report={report} what="the orders in force">
        {({ orders, history }) => (
          <>
            {orders.length === 0 && (
              <p class="hint">No order is in force. An order holds at once, whatever the policy says.</p>
            )}
            <ul class="orders">
              {orders.map(({ scope, mode, why, by, at }) => (
                <li key={scope} class="order">
                  <Icon name="stop" />
                  <p>
                    <strong>{words(mode)}</strong> for {scope === 'all' ? 'everything' : scope}: {why}{' '}
                    <span class="hint">
                      by {by}, {moment(at)}
                    </span>
                  </p>
                  <button type="button" onClick={() => setWanted({ order: 'off', scope })}>
                    Lift
                  </button>
                </li>
              ))}
            </ul>
            <div class="row">
              {ORDERS.map(({ mode, does }) => (
                <button
                  key={mode}
                  type="button"
                  class={mode === 'stop' ? 'danger outline' : 'outline'}
                  title={does}
                  onClick={() => setWanted({ order: mode, scope: 'all' })}
                >
                  {words(mode)}
                </button>
              ))}
            </div>
            {overrides.length > 0 && (
              <>
                <h3>Set aside for a while</h3>
                <ul class="lines">
                  {overrides.map(({ task, key, value, until, by, why }) => (
                    <li key={`${task} ${key}`}>
                      <strong>{task}</strong> {key} is {String(value)} until {moment(until)}: {why}{' '}
                      <span class="hint">by {by}</span>
                    </li>
                  ))}
                </ul>
              </>
            )}
            {history.length > 0 && (
              <details>
                <summary>Latest changes</summary>
                <ul class="lines">
                  {history
                    .slice(-8)
                    .reverse()
                    .map(({ scope, mode, why, by, at }) => (
                      <li key={`${at} ${scope}`}>
                        {moment(at)}: <strong>{words(mode)}</strong> for {scope}
                        {why && `: ${why}`} <span class="hint">by {by}</span>
                      </li>
                    ))}
                </ul>
              </details>
            )}
          </>
        )}
      </Shown>
      {wanted && (
        <ReasonDialog
          title={
            wanted.order === 'off' ? `Lift the order for ${wanted.scope}` : `${words(wanted.order)} for everything`
          }
          confirm={wanted.order === 'off' ? 'Lift the order' : 'Give the order'}
          isDangerous={wanted.order !== 'off'}
          onClose={() => setWanted(null)}
          onConfirm={async (reason) => {
            await post('/kill', bodyOf(wanted, reason))
            report.reload()
          }}
        >
          <p>{ORDERS.find(({ mode }) => mode === wanted.order)?.does ?? 'The policy holds again.'}</p>
        </ReasonDialog>
      )}
    </section>
  )
}

/** `task:x` → `{ task: 'x' }` */
function bodyOf({ order, scope }: Wanted, reason: string): Readonly<Record<string, string>> {
  const at = scope.indexOf(':')
  const named = at === -1 ? {} : { [scope.slice(0, at)]: scope.slice(at + 1) }
  return { order, reason, ...named }
}
