import { describe, expect, it } from 'vitest'
import { chooseTool } from '../../src/decide/tool-choice.ts'
import type { ToolDefinition } from '../../src/spec/request.ts'

const tool = (name: string, description: string, properties: Record<string, unknown> = {}): ToolDefinition => ({
  name,
  description,
  parameters: { type: 'object', properties },
})
const TOOLS = [
  tool('weather.forecast', 'Forecasts the weather of a place.', {
    place: { type: 'string', description: 'City name.' },
  }),
  tool('bookFlight', 'Books a seat on an airplane.', { from: { type: 'string' }, to: { type: 'string' } }),
  tool('convert_currency', 'Converts an amount of money.', { to: { type: 'string', enum: ['euro', 'krona'] } }),
]

describe('the choice of a tool', () => {
  it.each([
    ['its name, taken apart', 'I want to book a flight to Oslo', 'bookFlight'],
    ['its description, in another form of the word', 'What will the weather be in Oslo?', 'weather.forecast'],
    ['what the request implies', 'How much is $20?', 'convert_currency'],
    ['the values of a parameter', 'Convert it to krona', 'convert_currency'],
  ])('goes by %s', (_, request, expected) => {
    const choice = chooseTool(request, TOOLS)
    expect(choice.name).toBe(expected)
    expect(choice.ranked.map(({ name }) => name).sort()).toEqual(TOOLS.map(({ name }) => name).sort())
    expect(choice.margin).toBeGreaterThan(0)
    expect(choice.probability).toBeGreaterThan(0.5)
    expect(choice.probability).toBeLessThanOrEqual(1)
  })

  it('is none when the request shares nothing with any tool', () => {
    const choice = chooseTool('Who wrote the third symphony?', TOOLS)
    expect(choice.name).toBeNull()
    expect(choice.probability).toBeGreaterThan(0.5)
    expect(choice.ranked[0]?.score).toBe(0)
  })

  it('says how probable each tool is, and none with what is left', () => {
    const choice = chooseTool('Forecast the weather of Oslo', TOOLS)
    const total = choice.ranked.reduce((sum, { probability }) => sum + probability, 0)
    expect(choice.ranked[0]).toMatchObject({ name: 'weather.forecast', probability: choice.probability })
    expect(total).toBeGreaterThan(0.8)
    expect(total).toBeLessThan(1)
  })

  it('doubts a call whose numbers are missing', () => {
    const properties = {
      amount: { type: 'float', description: 'How much.' },
      rates: { type: 'array', items: { type: 'number' } },
    }
    const interest: ToolDefinition = {
      name: 'interest',
      description: 'Interest on an amount.',
      parameters: { type: 'dict', properties, required: ['amount', 'rates'] },
    }
    const wanted = (request: string): number => chooseTool(request, [interest]).ranked[0]?.probability ?? 0
    expect(wanted('Interest on an amount of 700 at 3 and 4 percent')).toBeGreaterThan(wanted('Interest on an amount'))
  })

  it('is never sure that none is meant by words of another language', () => {
    const choice = chooseTool('Vad blir vädret i Oslo imorgon?', TOOLS)
    expect(choice).toMatchObject({ name: null, probability: 0.5 })
  })

  it('is none for sure without tools', () => {
    expect(chooseTool('Forecast the weather', [])).toEqual({ name: null, ranked: [], margin: 0, probability: 1 })
  })

  it('does not depend on the order of the tools', () => {
    const request = 'Book me a seat on a plane'
    expect(chooseTool(request, TOOLS.toReversed()).name).toBe(chooseTool(request, TOOLS).name)
  })

  it('takes an empty request and deep or odd schemas', () => {
    const odd = { name: 'x', parameters: { properties: { a: { items: { properties: { deep: null } } } } } }
    expect(chooseTool('', [odd]).name).toBeNull()
    expect(chooseTool('deep', [odd]).name).toBe('x')
    expect(chooseTool('the a of', TOOLS).name).toBeNull()
  })
})
