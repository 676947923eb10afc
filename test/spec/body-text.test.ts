import { describe, expect, it } from 'vitest'
import { jsonWith, rememberText } from '../../src/spec/body-text.ts'

const TEXT = ' {"cost": 1.0, "id":12345678901234567890 , "nested":{"spillway":1}}\n'

describe('a body with one more field', () => {
  it('keeps its own text, where that is known', () => {
    const body = rememberText(JSON.parse(TEXT) as Record<string, unknown>, TEXT)
    expect(jsonWith(body, 'spillway', { a: 'b' })).toBe(
      ' {"cost": 1.0, "id":12345678901234567890 , "nested":{"spillway":1},"spillway":{"a":"b"}}',
    )
  })

  it('is written anew where its text is not known, where it has the field, and where it is empty', () => {
    expect(jsonWith({ a: 1 }, 'spillway', 2)).toBe('{"a":1,"spillway":2}')
    expect(jsonWith(rememberText({ spillway: 1, a: 1 }, '{"spillway":1, "a":1}'), 'spillway', 2)).toBe(
      '{"spillway":2,"a":1}',
    )
    expect(jsonWith(rememberText({}, '{ }'), 'spillway', 2)).toBe('{"spillway":2}')
    const body = rememberText({ a: 1 }, '{"a": 1}')
    expect(jsonWith({ ...body, b: 1 }, 'spillway', 2)).toBe('{"a":1,"b":1,"spillway":2}')
  })
})
