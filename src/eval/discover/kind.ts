/** Which kind of task a group of requests is, from what its instructions ask for and what its answers look like. Pure. */
import type { AnswerShape } from './answer-shape.ts'
import type { GroupText } from './group-text.ts'
import { decidingField, fieldsOfAnswers, fieldsOfSchema, fieldsOfText, type JsonField } from './json-shape.ts'
import { findLabelSets, type LabelSet } from './labels.ts'
import { countCue, pairIn, type Scale, scaleIn, yesAndNo } from './lexicon.ts'

export const FOUND_KINDS = ['choice', 'boolean', 'score', 'rank', 'extract', 'answer', 'text', 'code', 'tools'] as const
export type FoundKind = (typeof FOUND_KINDS)[number]

export interface KindEvidence {
  readonly kind: FoundKind
  /** Points; what counts is the sum of a kind against the others. */
  readonly weight: number
  readonly why: string
}

export interface KindReading {
  readonly kind: FoundKind
  readonly evidence: readonly KindEvidence[]
  /** Sum of the kind less that of the next one; small means a guess. */
  readonly lead: number
  /** choice, boolean: as the application spells them. */
  readonly labels: readonly string[] | null
  readonly descriptions: Readonly<Record<string, string>>
  readonly range: Scale | null
  /** Decimals of a score. */
  readonly decimals: number
  /** The JSON object that is asked for; null when none is. */
  readonly json: { readonly fields: readonly JsonField[]; readonly deciding: JsonField | null } | null
}

/** Answers of so many tokens hold a label or a number, and no sentence. */
const LABEL_TOKENS = 20

export function kindOf(text: GroupText): KindReading {
  const lists = findLabelSets(text.instructions)
  const fields = jsonFields(text)
  const deciding = decidingField(fields, lists)
  const labels = labelsOf(text, lists, deciding)
  const range = rangeOf(text, deciding)
  const evidence = [
    ...toolEvidence(text),
    ...jsonEvidence(fields, deciding, text),
    ...answerEvidence(text.shots, { times: 1, what: 'worked examples' }),
    ...answerEvidence(text.answers, { times: Math.min(1.5, 0.5 + text.answerCount / 20), what: 'recorded answers' }),
    ...closedEvidence(text, labels),
    ...scoreEvidence(text, range),
    ...openEvidence(text),
  ]
  const sums = FOUND_KINDS.map((kind) => ({ kind, sum: sumOf(evidence, kind) })).toSorted((a, b) => b.sum - a.sum)
  const [best, next] = sums
  const kind = best && best.sum > 0 ? best.kind : 'text'
  return {
    kind,
    evidence: evidence.filter((one) => one.kind === kind && one.weight > 0),
    lead: (best?.sum ?? 0) - (next?.sum ?? 0),
    labels: kind === 'choice' || kind === 'boolean' ? (labels?.labels ?? null) : null,
    descriptions: labels?.descriptions ?? {},
    range: kind === 'score' ? range : null,
    decimals: decimalsOf(text),
    json: fields.length > 0 || text.wantsJson ? { fields, deciding: decidedBy(kind, deciding, fields) } : null,
  }
}

/** The field that holds the decision; where a skeleton says nothing of its values, the first of one or two. */
function decidedBy(kind: FoundKind, deciding: JsonField | null, fields: readonly JsonField[]): JsonField | null {
  if (kind !== 'choice' && kind !== 'boolean' && kind !== 'score') return null
  const isFitting =
    kind === 'score'
      ? deciding?.type === 'number'
      : kind === 'choice'
        ? deciding?.type === 'enum'
        : deciding?.type !== 'number'
  if (deciding && isFitting) return deciding
  const [first] = fields
  if (first?.type !== 'text' || fields.length > 2) return null
  const { name, isRequired } = first
  return kind === 'score'
    ? { name, isRequired, type: 'number', range: null }
    : { name, isRequired, type: 'enum', values: [] }
}

function sumOf(evidence: readonly KindEvidence[], kind: FoundKind): number {
  return evidence.filter((one) => one.kind === kind).reduce((sum, { weight }) => sum + weight, 0)
}

function jsonFields(text: GroupText): readonly JsonField[] {
  if (text.schema) return fieldsOfSchema(text.schema)
  if (text.answers?.form === 'json') return fieldsOfAnswers(text.answers.values)
  if (text.shots?.form === 'json') return fieldsOfAnswers(text.shots.values)
  return text.wantsJson || /json|\{\s*["“]/i.test(text.instructions) ? fieldsOfText(text.instructions) : []
}

function toolEvidence({ toolShare, toolCallShare }: GroupText): readonly KindEvidence[] {
  if (toolShare < 0.5) return []
  if (toolCallShare !== null && toolCallShare < 0.2) return []
  const calls = toolCallShare === null ? '' : `, and ${percent(toolCallShare)} of the answers call one`
  return [{ kind: 'tools', weight: 12, why: `${percent(toolShare)} of the requests offer tools${calls}` }]
}

function jsonEvidence(
  fields: readonly JsonField[],
  deciding: JsonField | null,
  text: GroupText,
): readonly KindEvidence[] {
  if (fields.length === 0) return []
  const names = fields.map(({ name }) => name).join(', ')
  const isSure = text.schema !== null || text.answers?.form === 'json'
  if (deciding?.type === 'enum' && yesAndNo(deciding.values) === null)
    return [
      {
        kind: 'choice',
        weight: isSure ? 8 : 6,
        why: `JSON whose ${deciding.name} is one of ${deciding.values.length}`,
      },
    ]
  if (deciding?.type === 'boolean' || deciding?.type === 'enum')
    return [{ kind: 'boolean', weight: isSure ? 8 : 6, why: `JSON whose ${deciding.name} is true or false` }]
  if (deciding?.type === 'number' && (deciding.range !== null || countCue('score', text.instructions) > 0))
    return [{ kind: 'score', weight: isSure ? 6 : 4, why: `JSON whose ${deciding.name} is a number` }]
  const isRecord = fields.length >= 3 || fields.some(({ type }) => type === 'list')
  // Records are read off a text; a single field of free text can hold anything.
  return isRecord || fields.length === 2
    ? [{ kind: 'extract', weight: isRecord ? 3 : 1, why: `JSON with the fields ${names}` }]
    : []
}

function answerEvidence(
  shape: AnswerShape | null,
  from: { readonly times: number; readonly what: string },
): readonly KindEvidence[] {
  if (!shape) return []
  const say = (kind: FoundKind, weight: number, why: string): KindEvidence => ({
    kind,
    weight: weight * from.times,
    why: `${from.what} are ${why}`,
  })
  switch (shape.form) {
    case 'closed': {
      const pair = yesAndNo(shape.values)
      if (pair) return [say('boolean', 7, `${pair.yes} or ${pair.no}`)]
      return [say('choice', 7, `one of ${shape.values.length} values`)]
    }
    case 'numbers':
      return shape.min >= 0 && shape.max <= 100
        ? [say('score', 2, 'numbers up to 100'), say('answer', 1, 'numbers')]
        : [say('answer', 4, 'numbers')]
    case 'fenced':
      return [say('code', 7, 'fenced code blocks')]
    case 'spans':
      return [say('extract', 5, `copied from the request (${percent(shape.share)})`)]
    case 'short':
      return [say('answer', 1, 'short'), say('extract', 0.5, 'short')]
    case 'prose':
      return [
        say('text', 2, 'prose'),
        say('answer', 0.5, 'prose'),
        say('choice', -6, ''),
        say('boolean', -6, ''),
        say('score', -6, ''),
      ]
    case 'json':
      return []
    default:
      return shape satisfies never
  }
}

/** The set of answers that a choice is among, the surest source first. */
function labelsOf(
  text: GroupText,
  lists: readonly LabelSet[],
  deciding: JsonField | null,
): Pick<LabelSet, 'labels' | 'descriptions'> | null {
  const described = (labels: readonly string[]): Pick<LabelSet, 'labels' | 'descriptions'> => {
    const same = lists.find((set) => labels.filter((label) => set.labels.includes(label)).length >= labels.length * 0.6)
    return { labels, descriptions: same?.descriptions ?? {} }
  }
  if (deciding?.type === 'enum') return described(deciding.values)
  if (deciding?.type === 'boolean') return { labels: ['true', 'false'], descriptions: {} }
  const seen = [text.answers, text.shots].find((shape) => shape?.form === 'closed')
  const short = [text.answers, text.shots].find((shape) => shape?.form === 'short')
  const holding =
    short?.form === 'short' ? lists.find((set) => short.values.every((value) => set.labels.includes(value))) : undefined
  if (holding) return holding
  const listed = bestList(text.instructions, lists)
  if (seen?.form === 'closed') {
    // Answers that were seen may miss a rare label; the list that holds them all has it.
    const whole = lists.find((set) => seen.values.every((value) => set.labels.includes(value)))
    return whole ?? described(seen.values)
  }
  if (listed) return byMarks(listed, text) ?? listed
  const pair = pairIn(text.instructions)
  return pair ? { labels: [pair.yes, pair.no], descriptions: {} } : null
}

/** `A) fine, B) wrong`, and the letter is asked for. */
function byMarks(
  { labels, marks }: LabelSet,
  { instructions, maxTokens }: GroupText,
): Pick<LabelSet, 'labels' | 'descriptions'> | null {
  const asksForMark =
    /(?<!\p{L})(?:letter|Buchstabe|lettre|letra|lettera|букв|code|number|Nummer|Ziffer|numéro|número|numero)(?!\p{L})|字母|記号|番号/iu.test(
      instructions,
    )
  if (!marks || !(asksForMark || (maxTokens !== null && maxTokens <= 2))) return null
  return { labels: marks, descriptions: Object.fromEntries(marks.map((mark, at) => [mark, labels[at] ?? ''])) }
}

/** The list that is offered for choosing: announced as such, or described line by line. */
function bestList(instructions: string, lists: readonly LabelSet[]): LabelSet | null {
  const points = (set: LabelSet): number => {
    const lead = instructions.slice(Math.max(0, set.at - 120), set.at)
    const again = lists.some((other) => other !== set && other.labels.join() === set.labels.join()) ? 1 : 0
    return (
      (countCue('one', lead) > 0 ? 2 : 0) +
      (countCue('classify', lead) > 0 ? 2 : 0) +
      (set.form === 'lines' ? 1.5 : set.form === 'listed' ? 0.5 : 1) +
      (Object.keys(set.descriptions).length === set.labels.length ? 1 : 0) +
      (set.labels.length >= 3 ? 0.5 : 0) +
      again
    )
  }
  const sorted = lists.map((set) => ({ set, points: points(set) })).toSorted((a, b) => b.points - a.points)
  return sorted[0]?.set ?? null
}

function closedEvidence(text: GroupText, set: Pick<LabelSet, 'labels'> | null): readonly KindEvidence[] {
  const { instructions, maxTokens } = text
  const isShort = maxTokens !== null && maxTokens <= LABEL_TOKENS
  const classify = Math.min(2, countCue('classify', instructions))
  const one = countCue('one', instructions) > 0
  const evidence: KindEvidence[] = []
  const pair = pairIn(instructions)
  const isPair = pair !== null && (set === null || yesAndNo(set.labels) !== null)
  if (pair && isPair) {
    evidence.push({ kind: 'boolean', weight: 4, why: `asks for ${pair.yes} or ${pair.no}` })
    if (isShort) evidence.push({ kind: 'boolean', weight: 1, why: `at most ${maxTokens} tokens` })
  }
  if (set && yesAndNo(set.labels) === null) {
    const points = (one ? 2 : 0) + classify + (isShort ? 2 : 0) + (isAnswerWith(instructions, set) ? 2 : 0)
    if (points > 0) {
      const limits = isShort ? `, at most ${maxTokens} tokens` : ''
      evidence.push({
        kind: 'choice',
        weight: points + 1,
        why: `lists ${set.labels.length} answers to choose from${limits}`,
      })
    }
  } else if (!isPair && classify > 0 && isShort)
    evidence.push({
      kind: 'choice',
      weight: classify + (one ? 1 : 0),
      why: `asks for a class in at most ${maxTokens} tokens`,
    })
  return evidence
}

/** "Answer with 'a', 'b' or 'c'": nothing but the list may be the answer. */
function isAnswerWith(instructions: string, { labels }: Pick<LabelSet, 'labels'>): boolean {
  const at = instructions.indexOf(labels[0] ?? '\u0000')
  return at > 0 && ANSWER_WITH.test(instructions.slice(Math.max(0, at - 40), at))
}

const ANSWER_WITH =
  /(?:answer|respond|reply|output|return|say|antworte|réponds?|répondez|responde|rispondi|antwoord|svara|odpowiedz|ответь|відповідай)\s+(?:\p{L}+\s+){0,2}(?:with|mit|par|con|met|med|as|:)?\s*["'`“„«]?$/iu

function rangeOf(text: GroupText, deciding: JsonField | null): Scale | null {
  if (deciding?.type === 'number' && deciding.range) return deciding.range
  const written = scaleIn(text.instructions)
  if (written) return written
  const seen = text.answers?.form === 'numbers' ? text.answers : text.shots?.form === 'numbers' ? text.shots : null
  if (!seen || countCue('score', text.instructions) === 0) return null
  const max = [1, 5, 10, 100].find((end) => seen.max <= end)
  return max === undefined ? null : { min: seen.min >= 1 && max !== 1 ? 1 : 0, max }
}

function scoreEvidence(text: GroupText, range: Scale | null): readonly KindEvidence[] {
  const { instructions } = text
  const cues = Math.min(2, countCue('score', instructions))
  const isNumber = countCue('number', instructions) > 0
  const isShort = text.maxTokens !== null && text.maxTokens <= LABEL_TOKENS
  if (range && (cues > 0 || isNumber)) {
    const weight = 2 + cues + (isNumber ? 2 : 0) + (isShort ? 1 : 0)
    return [{ kind: 'score', weight, why: `asks for a number from ${range.min} to ${range.max}` }]
  }
  return cues > 0 && isNumber
    ? [{ kind: 'score', weight: 2 + cues, why: 'asks for a score and for a number only' }]
    : []
}

function decimalsOf({ instructions, answers, shots }: GroupText): number {
  const seen = [answers, shots].find((shape) => shape?.form === 'numbers')
  if (seen?.form === 'numbers') return seen.decimals
  if (
    /one decimal|1 decimal|eine (?:Nachkommastelle|Dezimalstelle)|une décimale|un decimal|un decimale/i.test(
      instructions,
    )
  )
    return 1
  return 0
}

/** "Do not explain", "keine Begründung": what is ruled out is not asked for. */
const RULED_OUT =
  /(?<!\p{L})(?:do not|don't|never|without|avoid|instead of|no|nicht|keine?n?|ohne|niemals|sans|jamais|aucune?|ne|sin|nunca|ningún|ninguna|non|senza|mai|geen|zonder|niet|sem|não|не|без|bez|nie)\s[^.;:!?。\n]*/giu

function openEvidence(text: GroupText): readonly KindEvidence[] {
  const instructions = text.instructions.replace(RULED_OUT, ' ')
  const count = (cue: Parameters<typeof countCue>[0], most = 2): number => Math.min(most, countCue(cue, instructions))
  const [copy, extract, passage] = [count('copy'), count('extract'), count('passage', 1)]
  const [question, solve, write] = [count('question'), count('solve', 3), count('write', 3)]
  const [code, codeOnly] = [count('code'), count('codeOnly')]
  const isShort = text.maxTokens !== null && text.maxTokens <= 40
  const questions = text.inputs.filter((input) => /[?？]\s*(?:["'”»)]|<\/\w+>)?\s*$/.test(input.slice(-200))).length
  const asks = text.inputs.length > 0 ? questions / text.inputs.length : 0
  const marked = /####|\\boxed|(?:final answer|answer|antwort|réponse|respuesta|risposta|ответ)\s*[:=]/i.test(
    instructions,
  )
  const all: readonly KindEvidence[] = [
    {
      kind: 'extract',
      weight: copy * 2 + extract * 1.5 + (copy > 0 ? passage * 1.5 + question * 1.5 : 0),
      why: 'asks for what stands in the text',
    },
    { kind: 'rank', weight: rankWeight(text), why: 'asks for an order' },
    { kind: 'answer', weight: question * 1.5 + solve * 1.2 + passage * 1.5, why: 'asks for the answer to a question' },
    { kind: 'answer', weight: marked ? 2 : 0, why: 'marks the final answer' },
    {
      kind: 'answer',
      weight: countCue('number', text.instructions) > 0 && countCue('score', instructions) === 0 ? 1.5 : 0,
      why: 'asks for a bare number without a scale',
    },
    { kind: 'answer', weight: asks >= 0.6 ? 1.5 : 0, why: `${percent(asks)} of the inputs end with a question` },
    { kind: 'text', weight: write * 1.5 * (isShort ? 0.5 : 1), why: 'asks for a text to be written' },
    { kind: 'code', weight: code * 2 + codeOnly * 2.5, why: 'asks for code' },
  ]
  return all.filter(({ weight }) => weight > 0)
}

function rankWeight({ instructions, inputs }: GroupText): number {
  const cues = Math.min(3, countCue('rank', instructions))
  if (cues === 0) return 0
  const lists = inputs.filter(
    (input) => (input.match(/^\s*(?:\[\w{1,8}\]|\(?\w{1,4}[.):]|[-*•])\s+\S/gm)?.length ?? 0) >= 3,
  ).length
  return cues * 2.5 + (inputs.length > 0 && lists / inputs.length >= 0.6 ? 2 : 0)
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`
}
