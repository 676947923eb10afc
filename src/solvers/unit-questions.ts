/** Takes the amount and the wanted units out of a question, without deciding whether they are any. */

export interface UnitQuestion {
  readonly amount: string
  /** More than one for `in feet and inches`; none where a sum is asked for without a unit. */
  readonly targets: readonly string[]
}

/** @returns every way to take the question apart: an `in` may be an inch, so that all have to be tried */
export function readUnitQuestion(question: string): readonly UnitQuestion[] {
  const plain = question
    .trim()
    .replace(/[\t\u00a0\u2009\u202f]/g, ' ')
    .replace(/ {2,}/g, ' ')
    .replace(/[\s?.!]+$/, '')
    .replace(/ = ?\??$/, '')
    .replace(POLITE, '')
  return SHAPES.flatMap((shape) => shape(plain)).slice(0, MAX_WAYS)
}

const MAX_WAYS = 12
const POLITE =
  /^(?:(?:please|hey|hi|hello|ok|okay|so|can you|could you|would you|do you know|tell me|i want to know|i need to know)[,:]? )+(?=[a-z\d-])/i

type Shape = (question: string) => readonly UnitQuestion[]

const SHAPES: readonly Shape[] = [
  // How many yards are in 12 feet?
  (question) => {
    const found =
      /^how many (.+?) (?:(?:are|is|were|would be)(?: there)?(?: in| equal to)?|in|make up|make|makes|equals?) (.+?)$/i.exec(
        question,
      ) ?? /^how many (.+?) (?:does|do|is|are|in) (.+?) (?:equal|have|has|contain|make|hold|last)$/i.exec(question)
    return found === null ? [] : [{ amount: found[2] ?? '', targets: [found[1] ?? ''] }]
  },
  // 12 feet is how many yards?
  (question) => {
    const found = /^(.+?) (?:is|are|equals?|=|makes?|in) how many (.+)$/i.exec(question)
    return found === null ? [] : [{ amount: found[1] ?? '', targets: [found[2] ?? ''] }]
  },
  // What is 12 feet in yards? Convert 12 feet to yards. 12 feet to yards
  (question) => {
    const body = question.replace(ASKING, '')
    return [...body.matchAll(/ (?:(?:converted |expressed |measured )?(?:in|to|into|as)|=)(?= )/gi)].map((joint) => ({
      amount: body.slice(0, joint.index),
      targets: targetsOf(
        body
          .slice(joint.index + joint[0].length)
          .replace(/^ \? ?/, '')
          .trim(),
      ),
    }))
  },
  // What is 2 hours + 45 minutes?
  (question) => {
    const body = question.replace(ASKING, '')
    return / (?:\+|-|\u2212|plus|minus) /.test(body) ? [{ amount: body, targets: [] }] : []
  },
]

const ASKING =
  /^(?:(?:what(?: is|'s|\u2019s)|how (?:much|long|far|tall|heavy|big|fast|hot|cold|warm|deep|wide|high) (?:is|are)|convert|change|turn|express|write|give|calculate|compute|find|work out)(?: me)? )?(?:the (?:value|equivalent|conversion) of )?/i

function targetsOf(text: string): readonly string[] {
  // "Feet and inches" are two; a target such as "miles per hour" has no "and".
  return text.split(/, and |, | and /i)
}
