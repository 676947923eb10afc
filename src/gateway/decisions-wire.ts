/** Questions with a closed set of answers, in the form of the OpenAI decisions API: what we read of them. */
import { z } from 'zod'
import { RouterError } from '../spec/errors.ts'
import { parseBody } from './read-body.ts'

const MAX_QUESTIONS = 400

const image = z.looseObject({ type: z.literal('input_image') })
const part = z.discriminatedUnion('type', [
  z.object({ type: z.enum(['input_text', 'output_text']), text: z.string() }),
  z.object({ type: z.literal('input_json'), data: z.unknown() }),
  z.object({ type: z.literal('refusal'), refusal: z.string() }),
  image,
])
const parts = z.union([z.string(), z.array(part)])

type Parts = z.output<typeof parts>

const item = z.union([
  z.object({
    type: z.literal('message').optional(),
    role: z.enum(['user', 'system', 'developer', 'assistant']),
    content: parts,
  }),
  z.object({ type: z.literal('function_call'), name: z.string(), arguments: z.string() }),
  z.object({ type: z.literal('custom_tool_call'), name: z.string(), input: z.string() }),
  z.object({ type: z.enum(['function_call_output', 'custom_tool_call_output']), output: parts }),
])

const named = { name: z.string().max(256).optional(), instructions: parts }
const choice = z.object({
  value: z.union([z.string().min(1).max(200), z.boolean()]),
  description: z.string().optional(),
})
const level = z.object({ label: z.string().min(1).max(200), description: z.string().optional() })

const question = z.discriminatedUnion('type', [
  z.object({ type: z.literal('predicate'), ...named }),
  z.object({ type: z.literal('choice'), ...named, choices: z.array(choice).min(2).max(255) }),
  z.object({ type: z.literal('score'), ...named, levels: z.array(level).min(2).max(255) }),
])

const decisionsSchema = z.object({
  model: z.string().min(1).max(256).default('auto'),
  input: z.union([z.string().min(1), z.array(item).min(1)]),
  questions: z.array(question).min(1).max(MAX_QUESTIONS),
  metadata: z.record(z.string().max(64), z.unknown()).nullish(),
})

export type DecisionsBody = z.output<typeof decisionsSchema>
export type Question = z.output<typeof question>

/** @throws RouterError request_invalid with the path of the first problem */
export function parseDecisions(body: unknown): DecisionsBody {
  return parseBody(decisionsSchema, body, {
    what: 'a decisions request',
    fix: 'Send {"input": "…", "questions": [{"type": "predicate", "instructions": "…"}]}.',
  })
}

/** What is decided about, and what the caller says on how to look at it. */
export interface Subject {
  readonly text: string
  readonly instructions: string
}

/** A conversation is told as one text, since a decision is about a text. */
export function subjectOf({ input }: DecisionsBody): Subject {
  if (typeof input === 'string') return { text: input, instructions: '' }
  const told: { readonly who: string | null; readonly text: string }[] = []
  for (const [index, one] of input.entries()) {
    const path = `input.${index}`
    if ('role' in one) told.push({ who: one.role, text: textOf(one.content, `${path}.content`) })
    else if ('output' in one) told.push({ who: 'tool', text: textOf(one.output, `${path}.output`) })
    else told.push({ who: 'assistant', text: `${one.name}(${'input' in one ? one.input : one.arguments})` })
  }
  const isInstruction = ({ who }: { readonly who: string | null }): boolean => who === 'system' || who === 'developer'
  const said = told.filter((one) => !isInstruction(one))
  if (said.length === 0)
    throw new RouterError('request_invalid', {
      path: 'input',
      problem: 'it holds only instructions',
      fix: 'Say what the questions are about.',
    })
  const [only] = said
  const text = said.length === 1 && only ? only.text : said.map(({ who, text }) => `${who}: ${text}`).join('\n')
  return {
    text,
    instructions: told
      .filter(isInstruction)
      .map((one) => one.text)
      .join('\n'),
  }
}

/** One question as a closed set of texts, each once. */
export interface Options {
  readonly instruction: string
  readonly options: readonly string[]
}

/** @throws RouterError request_invalid when two answers read the same, or a question shows an image */
export function optionsOf(
  question: Question,
  { path, subject }: { readonly path: string; readonly subject: Subject },
): Options {
  const asked = textOf(question.instructions, `${path}.instructions`)
  const lead = subject.instructions === '' ? asked : `${subject.instructions}\n${asked}`
  if (question.type === 'predicate') return { instruction: `Is this true of the text? ${lead}`, options: ['yes', 'no'] }
  const answers =
    question.type === 'choice'
      ? question.choices.map(({ value, description }) => ({ option: String(value), description }))
      : question.levels.map(({ label, description }) => ({ option: label, description }))
  const options = answers.map(({ option }) => option)
  if (new Set(options).size < options.length)
    throw new RouterError('request_invalid', {
      path: `${path}.${question.type === 'choice' ? 'choices' : 'levels'}`,
      problem: 'two of them read the same',
      fix: 'Give each answer a text of its own.',
    })
  const described = answers.flatMap(({ option, description }) => (description ? `${option}: ${description}` : []))
  return { instruction: [lead, ...described].join('\n'), options }
}

function textOf(value: Parts, path: string): string {
  if (typeof value === 'string') return value
  const texts = value.map((one, index) => {
    if (one.type === 'refusal') return one.refusal
    if (one.type === 'input_json') return JSON.stringify(one.data)
    if (one.type !== 'input_image') return one.text
    throw new RouterError('request_invalid', {
      path: `${path}.${index}.type`,
      problem: 'decisions are read from text, and nobody here reads them from images',
      fix: 'Ask a frontier that sees, through /v1/chat/completions or /v1/responses.',
    })
  })
  return texts.join('\n')
}
