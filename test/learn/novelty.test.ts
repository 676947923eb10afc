import { describe, expect, it } from 'vitest'
import { fitNovelty } from '../../src/learn/novelty.ts'
import { randomFrom } from '../../src/learn/random.ts'

const random = randomFrom(7)
const of = (words: readonly string[]): string => words[Math.floor(random() * words.length)] ?? ''

/** Complaints about parcels: a handful of words in changing places. */
function parcel(): string {
  const [item, place, day] = [
    of(['lamp', 'kettle', 'chair', 'shelf']),
    of(['Ulm', 'Bern', 'Linz']),
    of(['Monday', 'Friday']),
  ]
  return of([
    `The ${item} for ${place} did not arrive on ${day}.`,
    `My parcel with the ${item} is late, it should have been in ${place} on ${day}.`,
    `Where is the ${item}? The carrier said ${day} in ${place}.`,
  ])
}

describe('novelty', () => {
  const history = Array.from({ length: 400 }, () => ({ text: parcel(), label: 'delivery' }))

  it('calls ordinary texts novel no more often than the history says', () => {
    const novelty = fitNovelty(history)
    const stopped = Array.from({ length: 500 }, parcel).filter((text) => novelty.judge(text).unlike <= 0.05)
    expect(stopped.length).toBeLessThanOrEqual(40)
  })

  it('tells a text unlike all of the history', () => {
    const novelty = fitNovelty(history)
    expect(novelty.judge('panic: runtime error: index out of range [5] with length 3').unlike).toBeLessThan(0.01)
    expect(novelty.judge('').unlike).toBeLessThan(0.01)
  })

  it('tells conflicting answers of the neighbours, and that it cannot without answers', () => {
    const torn = history.map(({ text }, at) => ({
      text,
      label: text.includes('kettle') ? (['a', 'b', 'c'][at % 3] ?? 'a') : 'delivery',
    }))
    const novelty = fitNovelty(torn)
    expect(novelty.judge('The lamp for Ulm did not arrive on Monday.').conflict).toBe(1)
    expect(novelty.judge('The kettle for Ulm did not arrive on Monday.').conflict).toBeLessThan(0.35)
    expect(fitNovelty(history.map(({ text }) => ({ text, label: null }))).judge(parcel()).conflict).toBeNull()
  })

  it('does not depend on examples older than the newest 600', () => {
    const old = Array.from({ length: 50 }, (_, at) => ({ text: `old note ${at}`, label: null }))
    const newest = Array.from({ length: 600 }, () => ({ text: parcel(), label: null }))
    const text = 'old note 3'
    expect(fitNovelty([...old, ...newest]).judge(text)).toEqual(fitNovelty(newest).judge(text))
  })
})
