import { describe, expect, it } from 'vitest'
import { wantedLines } from '../../src/pipeline/assist.ts'

describe('wantedLines', () => {
  it.each([
    ['SOURCE L3-L9', [{ from: 3, to: 9 }]],
    [
      'source l3, 7-8',
      [
        { from: 3, to: 3 },
        { from: 7, to: 8 },
      ],
    ],
    ['SOURCE L12–L14.', [{ from: 12, to: 14 }]],
    ['The SOURCE L3 says so.', []],
    ['SOURCE L3 is where it fails.', []],
    ['SOURCE', []],
    ['', []],
  ])('reads %j', (text, ranges) => {
    expect(wantedLines(text)).toEqual(ranges)
  })
})
