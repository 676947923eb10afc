/** Answers in words against right ones, as SQuAD's own scorer compares them. Pure. */

/** Words of a text as SQuAD's own scorer compares them: lower case, without ASCII punctuation and articles. */
export function squadWords(text: string): readonly string[] {
  const plain = text.toLowerCase().replace(/[!"#$%&'()*+,\-./:;<=>?@[\\\]^_`{|}~]/g, '')
  return plain
    .replace(/\b(?:a|an|the)\b/g, ' ')
    .split(/\s+/)
    .filter((word) => word !== '')
}

/**
 * F1 of the words an answer shares with the nearest of the right answers, repeated words counted as often as both have
 * them. An abstention (null or blank) is right exactly when there is no right answer.
 *
 * @returns 0 to 1
 * @see Rajpurkar et al. 2018, Know What You Don't Know, evaluate-v2.0.py
 */
export function squadF1(answer: string | null, answers: readonly string[]): number {
  return best(answer, answers, (given, right) => {
    const left = [...right]
    const shared = given.filter((word) => take(left, word)).length
    if (given.length === 0 || right.length === 0) return given.length === right.length ? 1 : 0
    return (2 * shared) / (given.length + right.length)
  })
}

/** 1 when the answer has the same words in the same order as one of the right ones; abstentions as in `squadF1`. */
export function squadEm(answer: string | null, answers: readonly string[]): number {
  return best(answer, answers, (given, right) => (given.join(' ') === right.join(' ') ? 1 : 0))
}

type Compare = (given: readonly string[], right: readonly string[]) => number

function best(answer: string | null, answers: readonly string[], compare: Compare): number {
  const abstained = answer === null || answer.trim() === ''
  if (answers.length === 0 || abstained) return abstained && answers.length === 0 ? 1 : 0
  const given = squadWords(answer)
  return Math.max(...answers.map((right) => compare(given, squadWords(right))))
}

function take(words: string[], word: string): boolean {
  const index = words.indexOf(word)
  if (index < 0) return false
  words.splice(index, 1)
  return true
}
