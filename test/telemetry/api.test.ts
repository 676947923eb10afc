import { afterEach, describe, expect, it, vi } from 'vitest'
import { findApi } from '../../src/telemetry/api.ts'
import { recordSpans, stopRecording } from '../support/spans.ts'

const REGISTERED = Symbol.for('opentelemetry.js.api.1')
const registry = globalThis as { [REGISTERED]?: object }

afterEach(() => {
  stopRecording()
  delete registry[REGISTERED]
  vi.restoreAllMocks()
})

describe('the API of OpenTelemetry', () => {
  it('is not there until a provider is registered', () => {
    const warned = vi.spyOn(process, 'emitWarning')
    expect(findApi()).toBeNull()
    recordSpans()
    expect(findApi()).not.toBeNull()
    expect(warned).not.toHaveBeenCalled()
  })

  it('is not there for a provider that another version registered, and a warning says what to do', () => {
    const warned = vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined)
    registry[REGISTERED] = { version: '1.0.0', trace: {} }
    expect(findApi()).toBeNull()
    expect(warned.mock.calls[0]?.[0]).toContain('npm ls @opentelemetry/api')
  })
})
