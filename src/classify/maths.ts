/** Whether a text asks for symbolic mathematics: what calculators of numbers and small models get wrong. Pure. */
import { remembered } from './remembered.ts'

const LATEX =
  /\\(?:frac|d?int|oint|sum|prod|lim|sqrt|partial|nabla|infty|mathbb|begin\{(?:align|equation|[pbv]?matrix|cases))(?![a-z])/

const SIGNS = /[∫∮∑∏∂∇√∀∃∈∉⊂⊆]/u

/** `3x^2`, `sin(x)`, `2x + 3`: a letter that stands for a number. */
const TERM =
  '(?:\\d*[a-z]\\s*(?:\\^|\\*\\*|²|³)|\\b(?:sin|cos|tan|log|ln|exp)\\s*\\(|\\d+[a-z]\\b|\\b[a-z]\\s*[-+*/=]\\s*\\d*[a-z0-9])'

const VERB = new RegExp(
  `\\b(?:solve|factor(?:i[sz]e)?|simplify|expand|integrate|differentiate|derive|minimi[sz]e|maximi[sz]e|löse|integriere|differenziere)\\b[^.\\n]{0,60}?${TERM}`,
  'iu',
)

const NOUN =
  /\b(?:derivative|integral|antiderivative|limit|eigenvalues?|eigenvectors?|determinant|inverse|null space|taylor series|power series|laplace transform|fourier transform|gradient|jacobian|hessian|residues?|roots?|closed form|ableitung|stammfunktion|nullstellen)\s+(?:of|von|der)\s+[^.\n]{0,40}?(?:[a-z]\s*\(\s*[a-z]\s*\)|\^|²|³|[=+*/]|\bmatrix\b|\bpolynomial\b|\bfunction\b|\bfunktion\b)/iu

/** An equation in which a letter is unknown, on a line of its own or after words. */
const EQUATION =
  /(?<![\w.])-?\d*[a-z](?:\s*(?:\^\s*\d+|²|³))?(?:\s*[-+]\s*\d*[a-z]?(?:\s*(?:\^\s*\d+|²|³))?){1,4}\s*=\s*-?\d+(?![\w"'])/u

const PROOF =
  /\b(?:prove|show|beweise|zeige)\b[^.\n]{0,80}?(?:[≤≥≡]|\^|²|\b(?:theorem|lemma|irrational|converges?|divisible|induction|even|odd|prime)\b)/iu

/** A question is short; a longer text is material, and its ends say what is wanted of it. */
const READ_CHARS = 2000

/** Takes the last user message. */
export const asksForMaths: (text: string) => boolean = remembered((text) => {
  const read = text.length <= 2 * READ_CHARS ? text : `${text.slice(0, READ_CHARS)}\n${text.slice(-READ_CHARS)}`
  const prose = read.replace(/^(`{3,}|~{3,})[\s\S]*?^\1/gm, '')
  return [LATEX, SIGNS, VERB, NOUN, EQUATION, PROOF].some((form) => form.test(prose))
})
