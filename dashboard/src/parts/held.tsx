/** Requests that nobody may answer, until a person has decided. */
import { useState } from 'preact/hooks'
import type { HeldRequest } from '../../../src/spec/held.ts'
import { post } from '../api.ts'
import { moment, plural, words } from '../format.ts'
import { useReport } from '../use-report.ts'
import { ReasonDialog } from './dialog.tsx'
import { Shown } from './state.tsx'

interface HeldList {
  readonly data: readonly { readonly id: string; readonly request?: HeldRequest }[]
}

type Decision = { readonly id: string; readonly action: 'release' | 'refuse' }

export function HeldPanel() {
  const report = useReport<HeldList>('/held', { everyMs: 10_000 })
  const [wanted, setWanted] = useState<Decision | null>(null)
  return (
    <Shown report={report} what="held requests">
      {({ data }) => {
        const held = data.flatMap(({ request }) => request ?? [])
        if (held.length === 0) return null
        return (
          <section class="panel" aria-labelledby="held">
            <h2 id="held">{plural(held.length, 'held request')}</h2>
            <ul class="held">
              {held.map(({ id, task, reason, detail, receivedAt, expiresAt, hasText }) => (
                <li key={id}>
                  <div>
                    <p>
                      <strong>{task}</strong> {words(reason)}
                    </p>
                    <p class="hint">
                      {detail ?? id}, since {moment(receivedAt)}, until {moment(expiresAt)}
                      {!hasText && '; its text is not kept, so its caller sends it again'}
                    </p>
                  </div>
                  <div class="row">
                    <button type="button" class="outline" onClick={() => setWanted({ id, action: 'release' })}>
                      Release
                    </button>
                    <button type="button" class="outline danger" onClick={() => setWanted({ id, action: 'refuse' })}>
                      Refuse
                    </button>
                  </div>
                </li>
              ))}
            </ul>
            {wanted && (
              <ReasonDialog
                title={wanted.action === 'release' ? 'Let a model answer it' : 'Refuse it'}
                confirm={wanted.action === 'release' ? 'Release' : 'Refuse'}
                isDangerous={wanted.action === 'refuse'}
                onClose={() => setWanted(null)}
                onConfirm={async (why) => {
                  await post(`/held/${encodeURIComponent(wanted.id)}/${wanted.action}`, { why })
                  report.reload()
                }}
              >
                <p>
                  {wanted.action === 'release'
                    ? 'The router chooses who answers, as if no rule had held it.'
                    : 'Its caller gets no answer, and is told the reason.'}
                </p>
              </ReasonDialog>
            )}
          </section>
        )
      }}
    </Shown>
  )
}
