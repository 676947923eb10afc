import type { CallLimits, ModelPort } from '../spec/ports.ts'
import type { Message, ToolDefinition } from '../spec/request.ts'
import { decideJson, type JsonAnswer } from './json.ts'
import { plainSchema, schemaLines } from './json-schema-text.ts'

/** A request in words and the tool that shall be called for it. */
export interface ToolFilling {
  readonly request: string
  readonly tool: ToolDefinition
  readonly maxOutputTokens: number
  /** Makes the check of a plain JSON Schema; see `JsonQuestion.validate`. */
  readonly validatorOf: (schema: Readonly<Record<string, unknown>>) => (value: unknown) => string | null
}

/**
 * The arguments of one tool for a request, as a JSON object. Four worked examples show that values are copied from the
 * request: of 100 BFCL rows a 135M model matched 45 with them, 43 with two and 35 without.
 *
 * @throws RouterError request_invalid for parameters that cannot be written; what `decideJson` throws
 */
export async function fillArguments(filling: ToolFilling, port: ModelPort, limits: CallLimits): Promise<JsonAnswer> {
  const { tool, request, maxOutputTokens } = filling
  const schema = plainSchema({ type: 'object', ...tool.parameters })
  const asked = { name: tool.name, description: tool.description ?? '', fields: schemaLines(schema), request }
  const messages: readonly Message[] = [
    ...EXAMPLES.flatMap(({ answer, ...example }): Message[] => [
      question(example),
      { role: 'assistant', content: answer },
    ]),
    question(asked),
  ]
  const validate = filling.validatorOf(schema)
  return await decideJson({ messages, schema, maxOutputTokens, validate, prompt: 'complete' }, port, limits)
}

interface Asked {
  readonly name: string
  readonly description: string
  readonly fields: string
  readonly request: string
}

function question({ name, description, fields, request }: Asked): Message {
  const content = `Function ${name}: ${description}\nParameters:\n${fields}\n\nRequest: ${request}\n\nWrite the arguments of the function as JSON. Copy values from the request.`
  return { role: 'user', content }
}

/**
 * Made up, of no data set: names, quoted text, a decimal, lists, a closed set, and optional parameters given and not.
 * They stand first, so their evaluation is kept from one request to the next.
 */
const EXAMPLES: readonly (Asked & { readonly answer: string })[] = [
  {
    name: 'send_email',
    description: 'Send an e-mail to a person.',
    fields: [
      '- recipient (string): Who gets it.',
      '- subject (string): Subject line.',
      '- copies (integer): Number of copies.',
      '- urgent (boolean, optional): Default is false.',
    ].join('\n'),
    request: 'Please mail Maria Lopez about "Budget review", 2 copies.',
    answer: '{"recipient": "Maria Lopez", "subject": "Budget review", "copies": 2}',
  },
  {
    name: 'measure.convert_length',
    description: 'Convert a length.',
    fields: [
      '- value (number): The length to convert.',
      '- units (list of string): The units to convert to.',
      '- precision (integer, optional): Decimal places.',
    ].join('\n'),
    request: 'How long is 12.5 feet in meters and yards, to 3 decimal places?',
    answer: '{"value": 12.5, "units": ["meters", "yards"], "precision": 3}',
  },
  {
    name: 'weather.history',
    description: 'Past weather of a place.',
    fields: [
      '- place (string): City and state, for example Austin, TX.',
      '- date (string): Day as YYYY-MM-DD.',
      '- unit (one of ["celsius","fahrenheit"], optional): Default is celsius.',
      '- include_wind (boolean, optional): Whether wind is included.',
    ].join('\n'),
    request: 'Show the weather in Denver, CO on 2019-07-04 in fahrenheit, with wind.',
    answer: '{"place": "Denver, CO", "date": "2019-07-04", "unit": "fahrenheit", "include_wind": true}',
  },
  {
    name: 'statistics.mean',
    description: 'Mean of numbers.',
    fields: ['- values (list of integer): The numbers.', '- rounded (boolean, optional): Default is false.'].join('\n'),
    request: 'What is the mean of 4, 18 and 250?',
    answer: '{"values": [4, 18, 250]}',
  },
]
