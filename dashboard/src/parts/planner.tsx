/** The calculator: who answers how much, at what volume and price. The server counts, with the code of `spillway cost plan`. */
import { useEffect, useState } from 'preact/hooks'
import type { PlanPage } from '../../../src/cli/console/plan.ts'
import { count, dollars, NONE, signedDollars, words } from '../format.ts'
import { useReport } from '../use-report.ts'
import { Shown } from './state.tsx'
import { Table } from './table.tsx'

/** As the fields hold them; empty ones are not sent. */
type Fields = Readonly<Record<string, string>>

interface Mix {
  readonly fast: number
  readonly quality: number
}

/** While somebody drags, the server is asked a few times a second, and not for every pixel. */
const PAUSE_MS = 120

const FIELDS: readonly { readonly name: string; readonly label: string; readonly unit: string }[] = [
  { name: 'requestsPerDay', label: 'Requests', unit: 'a day' },
  { name: 'inputTokens', label: 'Tokens in', unit: 'a request' },
  { name: 'outputTokens', label: 'Tokens out', unit: 'an answer' },
  { name: 'price', label: 'Frontier price', unit: '$ a million tokens' },
  { name: 'localTokenFactor', label: 'Token factor', unit: '× for open models' },
  { name: 'qualityHardware', label: 'Hardware', unit: '$ a month' },
  { name: 'maintenance', label: 'Maintenance', unit: '$ a month' },
  { name: 'rejected', label: 'Drafted in vain', unit: '% of all' },
]

export function Planner() {
  const [fields, setFields] = useState<Fields>({ preset: 'reference' })
  const [mix, setMix] = useState<Mix | null>(null)
  const asked = useSettled({
    ...fields,
    ...(mix && { mix: `${mix.fast},${mix.quality},${100 - mix.fast - mix.quality}` }),
  })
  const report = useReport<PlanPage>('/costs/plan', { query: asked })
  const [last, setLast] = useState<PlanPage | null>(null)
  useEffect(() => {
    if (report.data) setLast(report.data)
  }, [report.data])
  const set = (name: string, value: string): void => setFields({ ...fields, [name]: value })
  // While the next plan is counted the last one stays.
  const shown = { ...report, data: report.data ?? (report.error ? null : last) }
  return (
    <section class="panel planner" aria-labelledby="planner">
      <h2 id="planner">What would it cost?</h2>
      <Shown report={shown} what="the calculator">
        {(plan) => (
          <>
            <Sliders mix={mix ?? plan.input.mix} onMix={setMix} />
            <div class="plan-fields">
              <label>
                <span>Volume</span>
                <select value={fields.preset} onChange={(event) => set('preset', event.currentTarget.value)}>
                  {Object.keys(plan.presets).map((name) => (
                    <option key={name} value={name}>
                      {words(name)}
                    </option>
                  ))}
                </select>
              </label>
              {plan.frontiers.length > 0 && (
                <label>
                  <span>Price of</span>
                  <select value={fields.model ?? ''} onChange={(event) => set('model', event.currentTarget.value)}>
                    <option value="">the field below</option>
                    {plan.frontiers.map((name) => (
                      <option key={name} value={name}>
                        {name}
                      </option>
                    ))}
                  </select>
                </label>
              )}
              {FIELDS.map(({ name, label, unit }) => (
                <label key={name}>
                  <span>
                    {label} <small>{unit}</small>
                  </span>
                  <input
                    type="number"
                    min="0"
                    step="any"
                    value={fields[name] ?? ''}
                    placeholder={usualOf(plan, name)}
                    onInput={(event) => set(name, event.currentTarget.value)}
                  />
                </label>
              ))}
            </div>
            <Result plan={plan} />
          </>
        )}
      </Shown>
      {report.error && last && (
        <button type="button" class="quiet" onClick={() => setFields({ preset: 'reference' })}>
          Back to the preset
        </button>
      )}
    </section>
  )
}

function usualOf({ input }: PlanPage, name: string): string {
  const { price } = input
  const known: Readonly<Record<string, number | undefined>> = {
    requestsPerDay: input.requestsPerDay,
    inputTokens: input.inputTokens,
    outputTokens: input.outputTokens,
    price: 'inputPerMillion' in price ? price.inputPerMillion : undefined,
    localTokenFactor: input.localTokenFactor,
    qualityHardware: input.quality.usdPerMonth,
    maintenance: input.maintenanceUsdPerMonth,
    rejected: input.rejected,
  }
  return String(known[name] ?? '')
}

interface SlidersProps {
  readonly mix: Mix
  readonly onMix: (mix: Mix) => void
}

function Sliders({ mix, onMix }: SlidersProps) {
  const frontier = 100 - mix.fast - mix.quality
  return (
    <div class="mix">
      <svg class="mix-bar" viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden="true">
        <rect class="mix-fast" x="0" width={mix.fast} height="6" />
        <rect class="mix-quality" x={mix.fast} width={mix.quality} height="6" />
        <rect class="mix-frontier" x={mix.fast + mix.quality} width={frontier} height="6" />
      </svg>
      <label>
        <span>
          Fast local model <b class="num">{mix.fast} %</b>
        </span>
        <input
          type="range"
          min={0}
          max={100}
          value={mix.fast}
          onInput={({ currentTarget }) => {
            const fast = currentTarget.valueAsNumber
            onMix({ fast, quality: Math.min(mix.quality, 100 - fast) })
          }}
        />
      </label>
      <label>
        <span>
          Larger local model <b class="num">{mix.quality} %</b>
        </span>
        <input
          type="range"
          min={0}
          max={100}
          value={mix.quality}
          onInput={({ currentTarget }) => {
            const quality = currentTarget.valueAsNumber
            onMix({ quality, fast: Math.min(mix.fast, 100 - quality) })
          }}
        />
      </label>
      <p>
        Frontier <b class="num">{frontier} %</b>
      </p>
    </div>
  )
}

function Result({ plan }: { readonly plan: PlanPage }) {
  const { month, breakEven, whatIf, recommendation } = plan
  const most = Math.max(month.apiUsd, month.hybridUsd, month.localUsd, 1e-9)
  const ways = [
    { name: 'Frontier alone', usd: month.apiUsd, tone: 'frontier', figure: 'apiUsd' },
    { name: 'This mix', usd: month.hybridUsd, tone: 'escalated', figure: 'hybridUsd' },
    { name: 'Local alone', usd: month.localUsd, tone: 'local', figure: 'localUsd' },
  ]
  return (
    <>
      <ul class="ways" aria-label="A month">
        {ways.map(({ name, usd, tone, figure }) => (
          <li key={name}>
            <span>{name}</span>
            <svg class="way-bar" viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true">
              <rect class={`fill-${tone}`} width={Math.max(0.4, (usd / most) * 100)} height="8" rx="1" />
            </svg>
            <strong class="num" data-figure={figure}>
              {dollars(usd)}
            </strong>
          </li>
        ))}
      </ul>
      <p class="sentence">
        {signedDollars(month.savedUsd)} a month{month.savedPct !== null && ` (${month.savedPct.toFixed(1)} %)`} against
        the frontier alone. {recommendation.because}
      </p>
      <p class="hint">
        Break-even:{' '}
        {breakEven.bySavings.requestsPerDay === null
          ? 'no volume earns it back'
          : `${count(Math.ceil(breakEven.bySavings.requestsPerDay))} requests a day`}
        . {breakEven.bySavings.formula}
      </p>
      <h3>If the price of the frontier changes</h3>
      <Table
        label="Other prices"
        columns={[
          'Price',
          { figure: 'Frontier alone' },
          { figure: 'This mix' },
          { figure: 'Saved' },
          { figure: 'Break-even' },
        ]}
      >
        {whatIf.map(({ priceChangePct, month: changed, bySavings }) => (
          <tr key={priceChangePct}>
            <th scope="row">
              {priceChangePct > 0 ? '+' : ''}
              {priceChangePct} %
            </th>
            <td class="num">{dollars(changed.apiUsd)}</td>
            <td class="num">{dollars(changed.hybridUsd)}</td>
            <td class="num">{signedDollars(changed.savedUsd)}</td>
            <td class="num">
              {bySavings.requestsPerDay === null ? NONE : `${count(Math.ceil(bySavings.requestsPerDay))} a day`}
            </td>
          </tr>
        ))}
      </Table>
    </>
  )
}

/** The value once it has not changed for a moment. */
function useSettled(value: Fields): Fields {
  const text = JSON.stringify(value)
  const [settled, setSettled] = useState(text)
  useEffect(() => {
    const timer = setTimeout(() => setSettled(text), PAUSE_MS)
    return () => clearTimeout(timer)
  }, [text])
  return JSON.parse(settled) as Fields
}
