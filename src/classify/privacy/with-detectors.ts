/** The detectors of this package together with those of plugins. Pure, as far as the plugins are. */
import { type DetectorPlugin, type LoadedPlugin, pluginLabel } from '../../spec/plugin.ts'
import type { PrivateKind } from '../../spec/private-kinds.ts'
import { remembered } from '../remembered.ts'
import { type FindPrivate, findPrivate, withoutOverlap } from './find.ts'
import { plainReading, type Writing } from './plain-reading.ts'
import type { PrivateSpan } from './private-span.ts'

/** A detector of a plugin threw, or gave what is no piece of the text: nothing is known of the text, so it stays. */
export class DetectorFailure extends Error {
  readonly detector: DetectorPlugin

  constructor(detector: DetectorPlugin, cause: unknown) {
    super(`the detector plugin ${detector.name} failed`, { cause })
    this.detector = detector
  }
}

/** @returns a finder that throws DetectorFailure */
export function withDetectors(loaded: readonly LoadedPlugin<DetectorPlugin>[]): FindPrivate {
  const readers = loaded.map(({ plugin }) => readerOf(plugin))
  return (text, kinds, writing = 'text') => {
    const wanted = readers.filter(({ finds }) => kinds.includes(finds))
    const own = findPrivate(text, kinds, writing)
    if (wanted.length === 0) return own
    return withoutOverlap([...own, ...wanted.flatMap(({ read }) => read[writing](text))])
  }
}

interface Reader {
  readonly finds: PrivateKind
  readonly read: Readonly<Record<Writing, (text: string) => readonly PrivateSpan[]>>
}

/** Texts are looked through several times on their way: what was found is remembered, a failure is not. */
function readerOf(plugin: DetectorPlugin): Reader {
  const reading = (writing: Writing) => remembered((text) => spansOf(plugin, text, writing))
  return { finds: plugin.finds, read: { text: reading('text'), json: reading('json') } }
}

/** Characters that are not seen hide nothing from it, either. */
function spansOf(plugin: DetectorPlugin, text: string, writing: Writing): readonly PrivateSpan[] {
  const plain = plainReading(text, writing)
  const found = spansIn(plugin, plain?.text ?? text)
  return plain
    ? found.map((one) => ({ ...one, start: plain.startOf(one.start), end: plain.endOf(one.end - 1) }))
    : found
}

function spansIn(plugin: DetectorPlugin, text: string): readonly PrivateSpan[] {
  try {
    return plugin.find(text).map(({ start, end }) => {
      if (!Number.isInteger(start) || !Number.isInteger(end) || start < 0 || end <= start || end > text.length)
        throw new RangeError(`${start} to ${end} is no piece of a text of ${text.length} characters`)
      return { kind: plugin.finds, detector: pluginLabel(plugin), start, end }
    })
  } catch (error) {
    throw new DetectorFailure(plugin, error)
  }
}
