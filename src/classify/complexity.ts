/** How much work a request asks for, read from its instruction. Pure. */
import type { Complexity } from '../spec/decision.ts'
import { remembered } from './remembered.ts'

/** Where a complexity is read from when no action names it. */
export interface ComplexityQuestion {
  /** The instruction: the system prompt and the last user message. */
  readonly text: string
  readonly hasTools: boolean
}

/** An instruction stands at the start of a prompt or at its end; what lies between is material. */
const INSTRUCTION_CHARS = 600

/** Material over this many lines is more than a small model summarises well (DESIGN: summaries under 500 lines). */
const MANY_LINES = 500

/** Orchestration, debugging, work over many files. */
const COMPLEX = [
  /\b(?:orchestrat\w+|coordinat\w+ (?:\w+ ){0,3}(?:agents|services|daemons)|spawn\w* (?:\w+ ){0,3}(?:agents?|daemons?|workers?))\b/i,
  /\b(?:debug|diagnose|troubleshoot|root[- ]cause|find (?:out )?why|figure out why|race condition|deadlock|memory leak)\b/i,
  /\b(?:multi[- ]?file|across (?:the|all|several|many|multiple) (?:\w+ )?(?:files?|modules?|packages?|services?|repos\w*|code ?base)|whole code ?base|entire code ?base)\b/i,
  /\b(?:architect(?:ure)?|design (?:a|an|the) (?:\w+ ){0,3}(?:system|architecture|protocol|service|platform)|migration plan|threat model|prove that)\b/i,
]

/** One answer out of a few, or a piece of the text itself. */
const SIMPLE = [
  /\b(?:yes or no|yes\/no|true or false|answer (?:only )?(?:with )?(?:yes|no|true|false))\b/i,
  /\b(?:classif(?:y|ies)|categori[sz]e|sort (?:this|these|failed|each|every)|label (?:this|the|each)|classifier|which (?:category|label|class|topic|tag)|(?:exactly )?one of (?:these|the following|two|three|four|five|six|seven|eight|nine|ten|\d+)|genau eine[rmns]?|ordne \w+|choose (?:one|between|from))\b/i,
  /\b(?:extract|identify|list|name|give|find) (?:\w+ ){0,3}?(?:topics?|tags?|keywords?|entit(?:y|ies)|names?|dates?|amounts?|fields?|e-?mails?|language|sentiment)\b/i,
  /\b(?:topic|tags?|keywords?|entities|sentiment|language) (?:of|from|in)\b/i,
  /\b(?:is|are|does|do|did|can|has|have|was|were) (?:this|that|the|it|there|these)\b[^\n.?!]{0,120}\?/i,
  /\b(?:rate|score|grade) (?:the )?(?:similarity|quality|relevance|sentiment|urgency|confidence|\w+ from)\b/i,
  /\b(?:valid|well[- ]formed|matches? the (?:format|schema|pattern)|check (?:the |that |whether )?(?:\w+ )?format)\b/i,
]

/** A sequence of steps: `1.` `2.` lines, or first … then … after that … finally. */
const NUMBERED_STEP = /^\s{0,8}(?:\d{1,2}[.)]|step \d{1,2}\b)/gim
const STEP_WORD = /\b(?:first|then|next|after that|afterwards|finally|lastly)\b/gi

/** Requests of up to 3 steps are moderate (DESIGN section 5). */
const MODERATE_STEPS = 3

/** @returns simple, moderate or complex; moderate when no rule speaks */
export function complexityOfText({ text, hasTools }: ComplexityQuestion): Complexity {
  return hasTools ? withTools(text) : withoutTools(text)
}

const withTools = remembered((text) => complexityOf(text, true))
const withoutTools = remembered((text) => complexityOf(text, false))

function complexityOf(text: string, hasTools: boolean): Complexity {
  if (!hasTools && isSimple(openingOf(text))) return 'simple'
  const instruction = instructionOf(text)
  if (COMPLEX.some((rule) => rule.test(instruction)) || stepsIn(instruction) > MODERATE_STEPS) return 'complex'
  if (text.split('\n').length > MANY_LINES && !SIMPLE.some((rule) => rule.test(instruction))) return 'complex'
  if (hasTools || PRODUCES_CODE.test(instruction)) return 'moderate'
  return SIMPLE.some((rule) => rule.test(instruction)) ? 'simple' : 'moderate'
}

/** Writing code is never simple, also when the request says "list" or "extract". */
const PRODUCES_CODE =
  /\b(?:write|generate|implement|create|refactor|edit|fix|add|rewrite) (?:\w+ ){0,4}?(?:functions?|class|methods?|module|script|tests?|code|file|query|regex|program|endpoint|component)\b/i

/** The first line up to a colon: `Extract topic from: Redesigned the architecture` asks for a topic. */
function openingOf(text: string): string {
  const [line = ''] = text.trimStart().split('\n', 1)
  return line.slice(0, INSTRUCTION_CHARS).split(/:\s/, 1)[0] ?? ''
}

function isSimple(opening: string): boolean {
  if (COMPLEX.some((rule) => rule.test(opening)) || PRODUCES_CODE.test(opening)) return false
  return SIMPLE.some((rule) => rule.test(opening))
}

function instructionOf(text: string): string {
  return text.length <= 2 * INSTRUCTION_CHARS
    ? text
    : `${text.slice(0, INSTRUCTION_CHARS)}\n${text.slice(-INSTRUCTION_CHARS)}`
}

function stepsIn(instruction: string): number {
  const numbered = instruction.match(NUMBERED_STEP)?.length ?? 0
  const told = new Set(instruction.match(STEP_WORD)?.map((word) => word.toLowerCase())).size
  return Math.max(numbered, told)
}
