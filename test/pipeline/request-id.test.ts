import { expect, it } from 'vitest'
import { requestIdAt } from '../../src/pipeline/request-id.ts'

const AT = Date.UTC(2026, 10, 21, 10, 30)

it('is a UUID of version 7 that holds its time', () => {
  expect(requestIdAt(AT)).toMatch(/^01a1fda7-e040-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
  expect(Number.parseInt(requestIdAt(AT).replaceAll('-', '').slice(0, 12), 16)).toBe(AT)
})

it('sorts by time and is another each time', () => {
  const ids = [0, 1, 300, 70_000].map((ms) => requestIdAt(AT + ms))
  expect(ids.toSorted()).toEqual(ids)
  expect(new Set(Array.from({ length: 1000 }, () => requestIdAt(AT))).size).toBe(1000)
})
