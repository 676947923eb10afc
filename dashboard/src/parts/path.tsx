/** The path of a request as bars on one line of time. */
import type { TimedStep } from '../../../src/cli/console/steps.ts'
import { milliseconds } from '../format.ts'

interface PathProps {
  readonly steps: readonly TimedStep[]
  /** Milliseconds of the whole request; null when unknown. */
  readonly totalMs: number | null
}

export function PathDrawing({ steps, totalMs }: PathProps) {
  const span = Math.max(1, totalMs ?? 0, ...steps.map(({ startMs, durationMs }) => (startMs ?? 0) + (durationMs ?? 0)))
  return (
    <ol class="path">
      {steps.map((step, at) => (
        <li key={`${at} ${step.name}`} class={`step step-${step.name} ${step.isBad ? 'is-bad' : ''}`}>
          <span class="step-name">{step.name}</span>
          <span class="step-what">
            <strong>{step.label}</strong> <span class="hint">{step.detail}</span>
          </span>
          <Bar step={step} span={span} />
          <span class="num">{step.durationMs ? milliseconds(step.durationMs) : ''}</span>
        </li>
      ))}
    </ol>
  )
}

function Bar({ step: { startMs, durationMs }, span }: { readonly step: TimedStep; readonly span: number }) {
  if (startMs === null) return <svg class="bar" viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true" />
  const from = Math.min(99, (startMs / span) * 100)
  const width = Math.min(100 - from, Math.max(0.8, ((durationMs ?? 0) / span) * 100))
  return (
    <svg class="bar" viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">
      <rect class="bar-rail" x="0" y="4.5" width="100" height="1" />
      <rect class="bar-fill" x={from} y="1" width={width} height="8" rx="1" />
    </svg>
  )
}
