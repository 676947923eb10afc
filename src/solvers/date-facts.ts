/** Sentences in front of a question that say which day today is, or say nothing about days at all. */
import { addDays, addMonths, type CivilDate, sameDay, weekdayOf } from './calendar.ts'
import { MONTH_WORD, WEEKDAYS } from './date-literals.ts'
import { type DateScope, DEICTIC_WORD, deicticOffset, readDay } from './date-phrases.ts'
import { move, readSpan, SPAN } from './date-spans.ts'

/**
 * @param sentences lower case, without their full stops, dates as `@0`
 * @returns today, or null where nothing says it; `undefined` when a sentence was not read, or two contradict each other
 */
export function todayFrom(sentences: readonly string[], scope: DateScope): CivilDate | null | undefined {
  const story: Story = { today: scope.today, event: null, claims: [] }
  for (const sentence of sentences) {
    const read = readSentence(sentence, story, scope)
    if (!read) return undefined
  }
  if (story.claims.length > 0) return undefined
  return story.today
}

interface Story {
  today: CivilDate | null
  /** The day of the last thing that was told, for "have passed since then" and birthdays. */
  event: CivilDate | null
  /** Who takes today for which day, until a sentence says who is right. */
  claims: readonly { readonly who: string; readonly day: CivilDate }[]
}

/** @returns whether all of the sentence was understood */
function readSentence(sentence: string, story: Story, scope: DateScope): boolean {
  // Sentences are joined by commas and "and"; each half has to be read then.
  return readWhole(sentence, story, scope) || readHalves(sentence, story, scope)
}

function readHalves(sentence: string, story: Story, scope: DateScope): boolean {
  for (const joint of sentence.matchAll(/, and |, so |; | and (?=today|it is|it's|yesterday|tomorrow)/g)) {
    const copy: Story = { ...story }
    const [left, right] = [sentence.slice(0, joint.index), sentence.slice(joint.index + joint[0].length)]
    if (!readWhole(left, copy, scope) || !readWhole(right, copy, scope)) continue
    Object.assign(story, copy)
    return true
  }
  return false
}

function readWhole(sentence: string, story: Story, scope: DateScope): boolean {
  for (const { pattern, read } of SENTENCES) {
    const found = pattern.exec(sentence)
    if (
      found !== null &&
      read(
        found.slice(1).map((group) => group ?? ''),
        story,
        scope,
      )
    )
      return true
  }
  return isTimeless(sentence)
}

interface Sentence {
  readonly pattern: RegExp
  readonly read: (groups: readonly string[], story: Story, scope: DateScope) => boolean
}

const IS = "(?:is|was|will be|would be|'s)"
const CLOCK = '\\d{1,2}(?::\\d{2})?(?: ?[ap]\\.?m\\.?)?'
const WHO = '([a-z]+)'

const SENTENCES: readonly Sentence[] = [
  // Tomorrow was @0 / yesterday is the last day of …
  {
    pattern: new RegExp(`^(${DEICTIC_WORD}) ${IS} (.+)$`),
    read: ([words = '', day = ''], story, scope) => isOn(words, day, story, scope),
  },
  {
    pattern: /^(?:it is|it's|this is) (.+?)(?: today| now)?$/,
    read: ([day = ''], story, scope) => isOn('today', day, story, scope),
  },
  {
    pattern: /^(?:today's date|the (?:current |present )?date(?: today)?|the date of today|the current day) is (.+)$/,
    read: ([day = ''], story, scope) => isOn('today', day, story, scope),
  },
  {
    pattern: new RegExp(`^(?:it is|it's|the (?:current )?(?:local )?time is)(?: now)? ${CLOCK} (?:of|on) (.+)$`),
    read: ([day = ''], story, scope) => isOn('today', day, story, scope),
  },
  {
    pattern: new RegExp(`^it was (.+) (${SPAN}) ago$`),
    read: ([day = '', span = ''], story, scope) => isAway({ day, span, story, scope }, 'later'),
  },
  {
    pattern: new RegExp(`^(${SPAN}) ago(?:,? it)? was (.+)$`),
    read: ([span = '', day = ''], story, scope) => isAway({ day, span, story, scope }, 'later'),
  },
  {
    pattern: new RegExp(`^it will be (.+) in (${SPAN})$`),
    read: ([day = '', span = ''], story, scope) => isAway({ day, span, story, scope }, 'earlier'),
  },
  {
    pattern: new RegExp(`^in (${SPAN}),? it will be (.+)$`),
    read: ([span = '', day = ''], story, scope) => isAway({ day, span, story, scope }, 'earlier'),
  },
  // The deadline is @0, which is 2 days away from now.
  {
    pattern: new RegExp(`^(.+?) (?:is|will be) (?:on )?(@\\d+),? which is (${SPAN}) (?:away )?from (?:now|today)$`),
    read: ([what = '', day = '', span = ''], story, scope) =>
      isTimeless(what) && isAway({ day, span, story, scope }, 'earlier'),
  },
  // The talk was to be on @0, but was delayed by two days to today.
  {
    pattern: new RegExp(
      `^(.+?) was (?:originally |first )?(?:scheduled|planned|due|supposed)(?: to be| for)?(?: on)? (@\\d+),? (?:but|and) (?:it )?(?:was|has been|got) (delayed|postponed|moved forward|brought forward) by (${SPAN}) to today$`,
    ),
    read: ([what = '', day = '', how = '', span = ''], story, scope) =>
      isTimeless(what) &&
      isAway({ day, span, story, scope }, how === 'delayed' || how === 'postponed' ? 'later' : 'earlier'),
  },
  {
    pattern: new RegExp(`^(${SPAN}) (?:have|has) passed since (?:then|that day)$`),
    read: ([span = ''], story, scope) => hasPassed(span, story, scope),
  },
  {
    pattern: /^(.+?) (?:was|were) born on (.+)$/,
    read: ([who = '', day = ''], story, scope) => isTimeless(who) && happened(day, story, scope),
  },
  {
    pattern:
      /^(?:today|it) is (?:his|her|their|my|[a-z]+'s) (\d{1,3})(?:st|nd|rd|th|-year-old|-year)? birthday(?: today)?$/,
    read: ([years = ''], story, scope) => isBirthday(Number(years), story, scope),
  },
  {
    pattern: new RegExp(
      `^${WHO} (?:thinks|believes|says) (?:that )?today is (.+?), (?:but|and|while) ${WHO} (?:thinks|believes|says) (?:that )?(?:today|it) is (.+)$`,
    ),
    read: ([one = '', first = '', other = '', second = ''], story, scope) =>
      areClaimed(
        [
          [one, first],
          [other, second],
        ],
        story,
        scope,
      ),
  },
  {
    pattern: new RegExp(`^${WHO} is (correct|right|wrong|incorrect|mistaken)$`),
    read: ([who = '', how = ''], story, scope) => isSettled(who, how, story, scope),
  },
  {
    pattern: new RegExp(`^(.+) (?:is|was|will be) (?:on )?an? (${WEEKDAYS.join('|')})$`),
    read: ([day = '', name = ''], _, scope) => isNamed(day, name, scope),
  },
  // Something that happens some time from now, which says nothing of today.
  {
    pattern: new RegExp(
      `^(.+?) (?:is|was|will be|took place|takes place) (${SPAN}) (?:later|ago|from now|from today|away)$`,
    ),
    read: ([what = '', span = '']) => isTimeless(what) && readSpan(span) !== null,
  },
  // … tomorrow, @0, …: a clause about anything else with the day in apposition.
  {
    pattern: new RegExp(`^(.*?)(?:${CLOCK} )?\\b(${DEICTIC_WORD})(?:,|:)? \\(?(@\\d+)\\)?(?:,| $|$)(.*)$`),
    read: ([before = '', words = '', day = '', after = ''], story, scope) =>
      isTimeless(withoutOwnDay(before)) && isTimeless(withoutOwnDay(after)) && isOn(words, day, story, scope),
  },
  {
    pattern: /^(?:on )?(@\d+),? (.+)$/,
    read: ([day = '', what = ''], story, scope) => isTimeless(what) && happened(day, story, scope),
  },
  {
    pattern: /^(.+) on (@\d+)$/,
    read: ([what = '', day = ''], story, scope) => isTimeless(what) && happened(day, story, scope),
  },
]

/** Today's meeting is moved to tomorrow: whose meeting it was says nothing about the day that is named. */
function withoutOwnDay(clause: string): string {
  return clause
    .replace(/^ is (?:a|the|our|my) day (?:that|when) /, ' ')
    .replace(/^(?:today|yesterday)'s /, 'the ')
    .replace(/\b(?:at|to|by|from|around) \d{1,2}(?::\d{2})? ?(?:[ap]\.?m\.?)? ?$/, '')
}

function isOn(words: string, phrase: string, story: Story, scope: DateScope): boolean {
  const offset = deicticOffset(words)
  const day = readDay(phrase, withToday(story, scope))
  const today = day === null || offset === null ? null : addDays(day, -offset)
  return today !== null && settle(today, story, scope)
}

interface Away {
  readonly day: string
  readonly span: string
  readonly story: Story
  readonly scope: DateScope
}

function isAway({ day, span, story, scope }: Away, direction: 'later' | 'earlier'): boolean {
  const from = readDay(day, scope)
  const length = readSpan(span)
  const reached = from === null || length === null ? null : move(from, length, direction)
  // Where a month is shorter, the way back does not lead to the day that the way there started from.
  return reached !== null && !reached.clamped && settle(reached.date, story, scope)
}

function happened(phrase: string, story: Story, scope: DateScope): boolean {
  story.event = readDay(phrase, scope)
  return story.event !== null
}

function hasPassed(span: string, story: Story, scope: DateScope): boolean {
  const length = readSpan(span)
  const reached = story.event === null || length === null ? null : move(story.event, length, 'later')
  return reached !== null && !reached.clamped && settle(reached.date, story, scope)
}

function isBirthday(years: number, story: Story, scope: DateScope): boolean {
  const reached = story.event === null || years < 1 ? null : addMonths(story.event, 12 * years)
  return reached !== null && !reached.clamped && settle(reached.date, story, scope)
}

function areClaimed(told: readonly (readonly [string, string])[], story: Story, scope: DateScope): boolean {
  const claims = told.flatMap(([who, phrase]) => {
    const day = readDay(phrase, scope)
    return day === null ? [] : [{ who, day }]
  })
  story.claims = claims
  return claims.length === told.length && claims[0]?.who !== claims[1]?.who
}

function isSettled(who: string, how: string, story: Story, scope: DateScope): boolean {
  const own = story.claims.filter((claim) => claim.who === who)
  const others = story.claims.filter((claim) => claim.who !== who)
  const [meant] = how === 'correct' || how === 'right' ? own : others
  if (own.length !== 1 || others.length !== 1 || meant === undefined) return false
  story.claims = []
  return settle(meant.day, story, scope)
}

function isNamed(phrase: string, name: string, scope: DateScope): boolean {
  const day = readDay(phrase, scope)
  return day !== null && weekdayOf(day) === WEEKDAYS.indexOf(name)
}

function settle(today: CivilDate, story: Story, scope: DateScope): boolean {
  if (story.today !== null && story.today !== scope.today) return sameDay(story.today, today)
  story.today = today
  scope.steps.push(`today = ${scope.write(today)}`)
  return true
}

function withToday(story: Story, scope: DateScope): DateScope {
  return story.today === null ? scope : { ...scope, today: story.today }
}

/**
 * Words by which a clause could say something about days, about what is true, or about the one who asks. A clause without
 * any of them, and without figures that could be years, cannot change which day it is.
 */
const ABOUT_TIME = new RegExp(
  `@|\\d{3}|\\b(?:${MONTH_WORD}|${WEEKDAYS.join('|')}|seconds?|minutes?|hours?|days?|daily|weeks?|weekly|weekends?|fortnights?|months?|monthly|quarters?|years?|yearly|annual(?:ly)?|decades?|centur(?:y|ies)|season|spring|summer|autumn|winter|today|tonight|tomorrow|yesterday|now|then|ago|later|earlier|late|early|before|after|since|until|till|during|when|while|once|next|last|previous|ahead|behind|past|future|dates?|dated|calendars?|time|times|times|clock|zone|noon|midnight|morning|evening|night|born|birthdays?|anniversar(?:y|ies)|holidays?|christmas|easter|thanksgiving|if|not|no|nor|or|unless|but|except|think|thinks|thought|believes?|believed|says?|said|claim(?:s|ed)?|tells?|told|lies?|lied|guess(?:es|ed)?|wrong|mistaken?|incorrect|correct|right|true|false|actually|really|delayed|postponed|moved|rescheduled|wait(?:s|ed)?|slept|sleep)\\b|n't\\b`,
)

function isTimeless(clause: string): boolean {
  // "Is rescheduled to" before a day in apposition only names what happens on it.
  return !ABOUT_TIME.test(clause.replace(/\b(?:is|was|has been) (?:re)?scheduled\b/g, ''))
}
