/** The policy in force, where each value comes from, and what another one would change. */
import { useState } from 'preact/hooks'
import type { PolicyCheck, PolicyPage as PolicyReport } from '../../../src/cli/console/policy.ts'
import { ApiError, post } from '../api.ts'
import { plural } from '../format.ts'
import { Badge } from '../parts/badge.tsx'
import { Heading } from '../parts/heading.tsx'
import { Empty, Failure, Shown } from '../parts/state.tsx'
import { Table } from '../parts/table.tsx'
import { useReport } from '../use-report.ts'

export function PolicyPage() {
  const report = useReport<PolicyReport>('/policy', { everyMs: 15_000 })
  return (
    <>
      <Heading title="Policy" about={report.data && <code>{report.data.file}</code>} />
      <Shown report={report} what="the policy">
        {(policy) => (
          <>
            {policy.problem ? (
              <p class="stale" role="alert">
                <strong>The file as it stands is not in force.</strong> {policy.problem}
              </p>
            ) : (
              <p class="hint in-force">
                <Badge tone="good">in force</Badge> <code>{policy.digest.slice(0, 19)}…</code>
              </p>
            )}
            <Trial policy={policy} />
            <Values policy={policy} />
          </>
        )}
      </Shown>
    </>
  )
}

/** What would change, before anything does. The file itself is edited where it lies: the console writes no policy. */
function Trial({ policy }: { readonly policy: PolicyReport }) {
  const [text, setText] = useState(policy.text ?? '')
  const [found, setFound] = useState<PolicyCheck | null>(null)
  const [error, setError] = useState<ApiError | null>(null)
  const check = async (event: Event): Promise<void> => {
    event.preventDefault()
    try {
      setFound(await post<PolicyCheck>('/policy/check', { text }))
      setError(null)
    } catch (failure) {
      if (failure instanceof ApiError) setError(failure)
      else throw failure
    }
  }
  return (
    <section class="panel" aria-labelledby="trial">
      <h2 id="trial">Try a change</h2>
      <form onSubmit={check}>
        <label>
          <span>Policy (YAML); nothing is written and nothing comes in force</span>
          <textarea
            class="code"
            rows={12}
            spellcheck={false}
            value={text}
            onInput={(event) => setText(event.currentTarget.value)}
          />
        </label>
        <div class="row">
          <button type="submit" class="primary">
            Check and compare
          </button>
          <button type="button" class="quiet" onClick={() => setText(policy.text ?? '')}>
            Back to the file
          </button>
        </div>
      </form>
      {error && <Failure error={error} />}
      {found && <Outcome found={found} />}
    </section>
  )
}

function Outcome({ found: { ok, problem, differences } }: { readonly found: PolicyCheck }) {
  if (!ok)
    return (
      <div class="failure" role="alert">
        <p>
          <strong>{problem?.message}</strong>
        </p>
        <p>{problem?.fix}</p>
      </div>
    )
  if (differences.length === 0) return <p role="status">It is valid, and says the same as the one in force.</p>
  return (
    <div role="status">
      <p>It is valid. {plural(differences.length, 'value')} would change:</p>
      <Table label="What would change" columns={['Key', 'Now', 'Then']}>
        {differences.map(({ key, old, new: next }) => (
          <tr key={key}>
            <th scope="row">
              <code>{key}</code>
            </th>
            <td class="wide">
              <del>{shown(old)}</del>
            </td>
            <td class="wide">
              <ins>{shown(next)}</ins>
            </td>
          </tr>
        ))}
      </Table>
      <p class="hint">What the last week would have been under it:</p>
      <pre>
        <code>spillway policy diff spillway.yaml new.yaml --since 7d</code>
      </pre>
    </div>
  )
}

function Values({ policy: { values } }: { readonly policy: PolicyReport }) {
  const [text, setText] = useState('')
  const [isOwn, setOwn] = useState(true)
  const wanted = text.trim().toLowerCase()
  const found = values.filter(
    ({ key, value, origin }) =>
      (!isOwn || origin === 'file') && (wanted === '' || `${key} ${shown(value)}`.toLowerCase().includes(wanted)),
  )
  return (
    <section class="panel" aria-labelledby="values">
      <h2 id="values">Values in force</h2>
      <form class="filters" onSubmit={(event) => event.preventDefault()}>
        <label>
          <span>Find</span>
          <input
            type="search"
            placeholder="a key or a value"
            value={text}
            onInput={(event) => setText(event.currentTarget.value)}
          />
        </label>
        <label class="check">
          <input type="checkbox" checked={isOwn} onChange={(event) => setOwn(event.currentTarget.checked)} />
          <span>only what the file says</span>
        </label>
        <p class="hint" role="status">
          {plural(found.length, 'value')}
        </p>
      </form>
      {found.length === 0 ? (
        <Empty title="No value matches">
          {isOwn ? 'Defaults are hidden; show them with the box above.' : undefined}
        </Empty>
      ) : (
        <Table label="Values in force" columns={['Key', 'Value', 'Origin']}>
          {found.slice(0, MOST).map(({ key, value, origin }) => (
            <tr key={key}>
              <th scope="row">
                <code>{key}</code>
              </th>
              <td class="wide">{shown(value)}</td>
              <td>
                <Badge tone={origin === 'file' ? 'good' : 'plain'}>{origin}</Badge>
              </td>
            </tr>
          ))}
        </Table>
      )}
      {found.length > MOST && <p class="hint">The first {MOST} are shown.</p>}
    </section>
  )
}

const MOST = 300

function shown(value: unknown): string {
  if (value === null || value === undefined) return '(none)'
  return typeof value === 'string' ? value : JSON.stringify(value)
}
