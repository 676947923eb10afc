/** A local answer of which one word is in doubt. */
export const DRAFT = 'The old lighthouse at Cape Morrow was built in the year 1921 by hand.'

/** Words as tokens; the model was in doubt about the year. */
export const tokens = [...DRAFT.matchAll(/\s*\S+/g)].map(({ index, 0: piece }) => {
  const nats = piece.includes('1921') ? 1.5 : 0.01
  return { start: index, end: index + piece.length, entropyLowNats: nats, entropyHighNats: nats + 0.1 }
})
export const signals = {
  pass: 'decode',
  level: 1,
  fullDistribution: true,
  tokens: tokens.length,
  meanLogprob: -0.1,
  minLogprob: -1,
  entropyLowNats: 0.2,
  entropyHighNats: 0.3,
  maxTokenEntropyNats: 1.5,
  options: null,
  margin: null,
} as const
