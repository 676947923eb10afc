import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { solve } from '../../src/solvers/solvers.ts'

function answerTo(question: string): string | null {
  const solution = solve(question)
  return solution?.solver === 'units' ? solution.answer : null
}

describe('the unit solver', () => {
  it.each([
    ['What is 1.2 inches in yards?', '0.03333333333'],
    ['How many hours are in 28.3 weeks?', '4754.4'],
    ['Convert 5 ft 10 in to cm', '177.8'],
    ['5\'11" in cm', '180.34'],
    ['70 inches in feet and inches', '5 feet 10 inches'],
    ['12,345 m to km', '12.345'],
    ['half a mile in feet', '2640'],
    ['1 1/2 cups in tablespoons', '24'],
    ['two and a half hours in minutes', '150'],
    ['2 h 30 min in seconds', '9000'],
    ['What is 2 hours + 45 minutes in minutes?', '165'],
    ['5 km + 300 m', '5.3 km'],
    ['10 km - 300 m in m', '9700'],
    ['3e8 m/s in km/s', '300000'],
    ['12 feet is how many yards?', '4'],
    ['How many seconds are in a week?', '604800'],
    ['What is 1 in in cm?', '2.54'],
    ['1 mile = ? km', '1.609344'],
  ])('reads amounts: %j is %s', (question, answer) => {
    expect(answerTo(question)).toBe(answer)
  })

  it.each([
    ['-40 °F to °C', '-40'],
    ['100 f to c', '37.77777778'],
    ['0 K in degrees Fahrenheit', '-459.67'],
    ['Convert 20.5 degrees Fahrenheit to kelvin.', '266.7611111'],
    ['How many MB are in 2 GiB?', '2147.483648'],
    ['500 mb in gb', '0.5'],
    ['100 Mbps in MB/s', '12.5'],
    ['65 mph in km/h', '104.60736'],
    ['Convert 9.8 m/s^2 to ft/s^2', '32.15223097'],
    ['1 acre in square feet', '43560'],
    ['2 m³ in liters', '2000'],
    ['1 psi to Pa', '6894.757293'],
    ['1.5 kWh to J', '5400000'],
    ['30 miles per gallon in km per liter', '12.75431122'],
    ['How many ounces in a pound?', '16'],
    ['How many ounces in a cup?', '8'],
    ['3 imperial gallons to liters', '13.63827'],
    ['250 µm in mm', '0.25'],
    ['3 kilowatt-hours in joules', '10800000'],
  ])('knows scales, data, rates and powers: %j is %s', (question, answer) => {
    expect(answerTo(question)).toBe(answer)
  })

  it.each([
    ['tons, which are three units', '3 tons to kg'],
    ['a month, which has no one length', 'How many days are in 2 months?'],
    ['a year, which has no one length', 'How many days are in 3 years?'],
    ['bits or bytes', '500 mb in MiB'],
    ['American volumes in British spelling', '5 gallons to litres'],
    ['mega or milli', '5 MM to m'],
    ['what does not measure the same', '5 km to kg'],
    ['what is colder than anything', '-300 C in K'],
    ['temperatures that are added', '20 C + 30 C in F'],
    ['amounts in the wrong order', '5 inches 3 feet in cm'],
    ['an identifier', '007 m to km'],
    ['a word problem', 'How many miles are in 5 km if I walk twice?'],
    ['an unknown unit', '5 smoots to m'],
    ['no amount', 'How many feet are in miles?'],
    ['two questions', 'What is 5 km in miles? What is 3 km in miles?'],
    ['calories of two kinds', '200 calories to joules'],
  ])('declines %s: %j', (_why, question) => {
    expect(solve(question)).toBeNull()
  })

  it('says how it got there', () => {
    expect(solve('What is 5 km in miles?')).toEqual({
      solver: 'units',
      answer: '3.106855961',
      steps: ['5 km = 5 * 1000 m = 5000 m', '5000 m / 1609.344 m = 3.106855961 miles, rounded to 10 digits'],
    })
  })

  /** Written down anew and in floating point, so that a slip in the table of the solver shows. */
  const FAMILIES: readonly (readonly (readonly [name: string, size: number])[])[] = [
    [
      ['meters', 1],
      ['kilometers', 1000],
      ['centimeters', 0.01],
      ['mm', 0.001],
      ['inches', 0.0254],
      ['feet', 0.3048],
      ['yards', 0.9144],
      ['miles', 1609.344],
      ['nautical miles', 1852],
    ],
    [
      ['grams', 1],
      ['kilograms', 1000],
      ['mg', 0.001],
      ['pounds', 453.59237],
      ['ounces', 28.349523125],
      ['stone', 6350.29318],
      ['metric tons', 1e6],
    ],
    [
      ['liters', 1],
      ['milliliters', 0.001],
      ['US gallons', 3.785411784],
      ['US cups', 0.2365882365],
      ['quarts', 0.946352946],
      ['tablespoons', 0.01478676478125],
      ['cubic feet', 28.316846592],
      ['cm^3', 0.001],
    ],
    [
      ['bytes', 1],
      ['kilobytes', 1e3],
      ['MB', 1e6],
      ['gigabytes', 1e9],
      ['KiB', 1024],
      ['mebibytes', 1024 ** 2],
      ['GiB', 1024 ** 3],
      ['megabits', 125_000],
    ],
    [
      ['seconds', 1],
      ['minutes', 60],
      ['hours', 3600],
      ['days', 86_400],
      ['weeks', 604_800],
      ['ms', 0.001],
    ],
    [
      ['m/s', 1],
      ['km/h', 1 / 3.6],
      ['mph', 0.44704],
      ['knots', 1852 / 3600],
      ['feet per second', 0.3048],
      ['miles per minute', 26.8224],
    ],
    [
      ['square meters', 1],
      ['square feet', 0.09290304],
      ['acres', 4046.8564224],
      ['hectares', 1e4],
      ['km²', 1e6],
    ],
    [
      ['joules', 1],
      ['kWh', 3.6e6],
      ['kcal', 4184],
      ['BTU', 1055.05585262],
    ],
    [
      ['pascals', 1],
      ['bar', 1e5],
      ['psi', 6894.757293168],
      ['atm', 101_325],
      ['kPa', 1000],
    ],
  ]
  const FORMS: readonly ((count: string, from: string, to: string) => string)[] = [
    (count, from, to) => `Convert ${count} ${from} to ${to}.`,
    (count, from, to) => `What is ${count} ${from} in ${to}?`,
    (count, from, to) => `How many ${to} are in ${count} ${from}?`,
    (count, from, to) => `${count} ${from} to ${to}`,
  ]

  it('converts every pair of a family as floating-point numbers do, in every form of asking', () => {
    const pair = fc
      .constantFrom(...FAMILIES)
      .chain((family) => fc.tuple(fc.constantFrom(...family), fc.constantFrom(...family)))
    const count = fc.integer({ min: 1, max: 99_999 }).map((figure) => figure / 10)
    fc.assert(
      fc.property(pair, count, fc.constantFrom(...FORMS), ([[from, size], [to, other]], figure, form) => {
        const expected = (figure * size) / other
        const answer = Number(answerTo(form(String(figure), from, to)))
        expect(Math.abs(answer - expected) / expected).toBeLessThan(1e-8)
      }),
      { numRuns: 1000 },
    )
  })

  it('declines every pair of two families', () => {
    const names = FAMILIES.flatMap((family, at) => family.map(([name]) => ({ name, at })))
    fc.assert(
      fc.property(fc.constantFrom(...names), fc.constantFrom(...names), (from, to) => {
        // An ounce is a mass and a volume.
        fc.pre(from.at !== to.at && from.name !== 'ounces' && to.name !== 'ounces')
        expect(solve(`What is 3 ${from.name} in ${to.name}?`)).toBeNull()
      }),
    )
  })
})
