import type { OptionProbability, Signals } from '../spec/decision.ts'

/**
 * The signals of a choice: one answer token in effect. Its entropy over the options is exact, so both ends of the bracket
 * agree.
 *
 * @param options most probable first
 */
export function decisionSignals(options: readonly OptionProbability[]): Signals {
  const [first, second] = options
  const logprob = first === undefined ? null : first.logprob
  const entropy = options.reduce(
    (sum, { probability }) => sum - (probability > 0 ? probability * Math.log(probability) : 0),
    0,
  )
  return {
    pass: 'batch',
    level: 2,
    fullDistribution: true,
    tokens: 1,
    meanLogprob: logprob,
    minLogprob: logprob,
    entropyLowNats: entropy,
    entropyHighNats: entropy,
    maxTokenEntropyNats: entropy,
    options,
    margin: first === undefined || second === undefined ? null : first.probability - second.probability,
  }
}
