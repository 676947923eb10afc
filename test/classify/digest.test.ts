import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { digestOf } from '../../src/classify/digest.ts'
import { findHardStops } from '../../src/classify/hard-stops.ts'
import { policySchema } from '../../src/spec/policy.ts'

const { hardStops } = policySchema.parse({})
const isEvidence = (text: string): boolean => findHardStops([{ field: 'line', text }], hardStops).length > 0
const digest = (...lines: readonly string[]) => digestOf(lines.join('\n'), isEvidence)
const many = (count: number, line: (at: number) => string) => Array.from({ length: count }, (_, at) => line(at))

describe('digestOf', () => {
  it('describes what repeats and keeps the rest word for word, with the numbers of its lines', () => {
    const found = digest(
      'start',
      ...many(20, (at) => `Compiling part${at} v1.${at}`),
      "error: 'x' is not declared",
      'done',
    )
    expect(found.text.split('\n')).toEqual([
      'L1| start',
      'Compiling part0 v1.0',
      '(19 more like it, up to L21)',
      "L22| error: 'x' is not declared",
      'done',
    ])
    expect(found).toMatchObject({ kept: 4, first: 1 })
  })

  it('keeps faults that differ, and the first six of those that do not', () => {
    const differ = many(9, (at) => `error: cannot find module ${['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i'][at]}`)
    expect(digest(...differ).kept).toBe(9)
    const same = digest(...many(40, (at) => `error in line ${at}`))
    expect(same.kept).toBe(6)
    expect(same.text).toContain('(34 more like it, up to L40)')
  })

  it('keeps every line of hard-stop evidence, however often it comes', () => {
    const lines = many(30, (at) => `npm error 401 Unauthorized - GET https://registry.example/pkg${at}`)
    expect(digest(...lines).text).toBe(`L1| ${lines.join('\n')}`)
  })

  it('folds frames of libraries and keeps the own ones', () => {
    const found = digest(
      'TypeError: x is undefined',
      '    at handler (/app/src/handler.ts:12:3)',
      '    at Layer.handle (/app/node_modules/express/lib/router/layer.js:95:5)',
      '    at next (/app/node_modules/express/lib/router/route.js:144:13)',
      '    at process.processTicksAndRejections (node:internal/process/task_queues:95:5)',
      '    at main (/app/src/main.ts:4:1)',
    )
    expect(found.text.split('\n')).toEqual([
      'L1| TypeError: x is undefined',
      '    at handler (/app/src/handler.ts:12:3)',
      '(3 frames of libraries, L3-L5)',
      'L6|     at main (/app/src/main.ts:4:1)',
      'Files: /app/src/handler.ts:12, /app/src/main.ts:4',
    ])
  })

  it('knows the frames of Python, with the source below them, and of Java', () => {
    const python = digest(
      'Traceback (most recent call last):',
      '  File "/app/run.py", line 3, in <module>',
      '    main()',
      '  File "/usr/lib/python3.12/json/decoder.py", line 337, in decode',
      '    obj, end = self.raw_decode(s)',
      '  File "/app/venv/lib/python3.12/site-packages/x/y.py", line 9, in z',
      '    return z()',
      'ValueError: bad',
    )
    expect(python.text).toContain('(2 frames of libraries, L4-L7)')
    expect(python.text).toContain('  File "/app/run.py", line 3, in <module>\n    main()')
    expect(python.files).toEqual(['/app/run.py:3'])
    const java = digest(
      '\tat com.acme.Cart.add(Cart.java:8)',
      ...many(5, (at) => `\tat java.util.List.m(List.java:${at})`),
    )
    expect(java.text).toContain('(5 frames of libraries, L2-L6)')
  })

  it('reads what a progress bar wrote last, without colours, and cuts long lines that are no fault', () => {
    expect(digest('10 %\r50 %\r100 %', '\u001b[31mred\u001b[0m').text).toBe('L1| 100 %\nred')
    expect(digest('x'.repeat(5000)).text.length).toBeLessThan(450)
    expect(digest(`error: ${'x'.repeat(5000)}`).text).toContain('x'.repeat(5000))
  })

  it('leaves prose as it is', () => {
    const prose = ['Dear all,', 'the meeting is at noon.', 'Bring the papers of last week.', 'Regards']
    expect(digest(...prose).text).toBe(`L1| ${prose.join('\n')}`)
  })

  it('invents nothing: every kept line is a line of the source, every line of a hard stop is still there', () => {
    const word = fc.constantFrom(
      'error',
      'Compiling',
      '401',
      'Unauthorized',
      'token',
      'leak',
      'ok',
      'src/a.ts:3',
      'at',
      '12 %',
      '',
    )
    const line = fc.array(word, { maxLength: 6 }).map((words) => words.join(' '))
    fc.assert(
      fc.property(fc.array(line, { maxLength: 60 }), (lines) => {
        const found = digest(...lines)
        const source = new Set(lines.map((one) => one.trimEnd()))
        const said = found.text.split('\n').filter((one) => !/^\(\d+ (?:more|frames)|^Files: /.test(one))
        for (const one of said) if (one !== '') expect(source.has(one.replace(/^L\d+\| /, ''))).toBe(true)
        const written = lines.filter((one) => one.trim() !== '')
        const kept = new Set(said.map((one) => one.replace(/^L\d+\| /, '')))
        for (const [at, one] of written.entries()) {
          if (isEvidence(one)) expect(kept.has(one.trimEnd())).toBe(true)
          const pair = [one, written[at + 1] ?? '']
          if (!pair.some(isEvidence) && isEvidence(pair.join('\n')))
            expect(pair.every((line) => kept.has(line.trimEnd()))).toBe(true)
        }
      }),
      { numRuns: 300 },
    )
  })

  it('numbers lines so that each points at its source', () => {
    const found = digest(...many(50, (at) => (at % 10 === 0 ? `error number ${'abcde'[at / 10]}` : `step ${at}`)))
    for (const [, number, text] of found.text.matchAll(/^L(\d+)\| (.*)$/gm))
      expect(found.lines[Number(number) - 1]).toBe(text)
  })
})
