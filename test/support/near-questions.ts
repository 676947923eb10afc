/** Pairs of questions that look alike and do not ask the same, and pairs that do. Made here, from templates. */

export interface QuestionPair {
  readonly kind: string
  readonly left: string
  readonly right: string
}

const SUBJECTS = [
  'the order',
  'the invoice',
  'my account',
  'a refund',
  'the backup',
  'the server',
  'our contract',
  'the password',
  'the report',
  'this medicine',
] as const
const VERBS = ['cancel', 'delete', 'share', 'change', 'restore', 'pay', 'move', 'print', 'approve', 'extend'] as const

/** The second says the opposite of the first. */
const NEGATED: readonly (readonly [string, string])[] = [
  ['Can I {v} {s}?', "Can't I {v} {s}?"],
  ['Can I {v} {s}?', 'Can I not {v} {s}?'],
  ['Should I {v} {s}?', 'Should I never {v} {s}?'],
  ['Why did they {v} {s}?', "Why didn't they {v} {s}?"],
  ['What happens when I {v} {s}?', 'What happens when I do not {v} {s}?'],
  ['When may we {v} {s}?', 'When may we no longer {v} {s}?'],
  ['How do I {v} {s} with a key?', 'How do I {v} {s} without a key?'],
  ['Who is allowed to {v} {s}?', 'Who is not allowed to {v} {s}?'],
]

/** `{n}` is one number on the left and another on the right. */
const NUMBERED = [
  'How do I {v} {s} after {n} days?',
  'Can I {v} {s} {n} times?',
  'What does it cost to {v} {s} for {n} people?',
  'Is {n} euros enough to {v} {s}?',
  'May I {v} {s} before {n}:00?',
  'Who can {v} {s} number {n}?',
] as const
const NUMBERS: readonly (readonly [string, string])[] = [
  ['3', '30'],
  ['2', '12'],
  ['10', '10.5'],
  ['1,000', '1,00'],
  ['15', '51'],
  ['7', '-7'],
  ['one', 'two'],
  ['100', '100000'],
]

/** What stands between the bars is one thing on the left and another on the right. */
const SWAPPED: Readonly<Record<string, readonly (readonly [string, string])[]>> = {
  entity: [
    ['What is the capital of |France|?', 'Germany'],
    ['Who is the chief executive of |Siemens|?', 'Bosch'],
    ['How do I install it on |Windows|?', 'Linux'],
    ['When was |Einstein| born?', 'Newton'],
    ['Is |Python| faster than Ruby?', 'Perl'],
    ['Where is the |Lisbon| office?', 'London'],
    ['Who sent the mail from |Anna|?', 'Anne'],
    ['How tall is |Mount Elbert|?', 'Mount Albert'],
  ],
  direction: [
    ['How do I convert |euros to dollars|?', 'dollars to euros'],
    ['Which trains go from |Berlin to Prague|?', 'Prague to Berlin'],
    ['Did |Brazil beat Chile|?', 'Chile beat Brazil'],
    ['Is |A larger than B|?', 'B larger than A'],
    ['What comes |before| the audit?', 'after'],
    ['Do I sign |in|?', 'out'],
    ['How do I switch it |on|?', 'off'],
    ['Should the valve be turned |up|?', 'down'],
  ],
  opposite: [
    ['How do I |enable| logging?', 'disable'],
    ['What is the |maximum| dose?', 'minimum'],
    ['Which plan is the |cheapest|?', 'dearest'],
    ['When does the shop |open|?', 'close'],
    ['How can I |increase| the limit?', 'decrease'],
    ['Is it |safe| to drink?', 'unsafe'],
    ['What is the |oldest| entry?', 'newest'],
    ['How do I |encrypt| the disk?', 'decrypt'],
  ],
  quantity: [
    ['Do |all| users have access?', 'some'],
    ['Are there |few| errors?', 'a few'],
    ['How |many| are left?', 'much'],
    ['Is |every| test green?', 'any'],
    ['Does it weigh 5 |kg|?', 'g'],
    ['Is the limit 10 |MB|?', 'GB'],
    ['Is it 20 |degrees Celsius|?', 'degrees Fahrenheit'],
    ['Did prices rise by 5 |%|?', 'points'],
  ],
  time: [
    ['Who |is| the chair?', 'was'],
    ['What |did| they decide?', 'do'],
    ['When |will| it ship?', 'did'],
    ['What happened |last| week?', 'this'],
    ['Is it due on |Monday|?', 'Tuesday'],
    ['Who won in |1998|?', '1989'],
    ['Does it start in |June|?', 'July'],
    ['Do we meet |daily|?', 'weekly'],
  ],
  asked: [
    ['|Who| wrote it?', 'When'],
    ['|Where| is it made?', 'How'],
    ['|Why| does it fail?', 'When'],
    ['|What| should I take?', 'Which'],
    ['|Can| I take both?', 'Must'],
    ['|May| they leave?', 'Should'],
    ['|How do you| work?', 'How do I'],
    ['Write a |poem| about dams.', 'speech'],
  ],
  word: [
    ['What does |US| stand for?', 'us'],
    ['How much is |Apple| worth?', 'an apple'],
    ['Is |polish| hard?', 'Polish'],
    ['What is |the matter|?', 'matter'],
    ['Where is |my| file?', 'your'],
    ['He paid|.|', '?'],
    ['Is C|#| easy?', '++'],
    ['What is 7 |+| 3?', '*'],
  ],
}

/** Openings that ask for the same, put before both sides, so that a pair is met in more than one dress. */
const DRESSES: readonly ((question: string) => string)[] = [
  (question) => question,
  (question) => `Hello, ${question}`,
  (question) => `${question.replace(/[.?]$/, '')}, please?`,
  (question) => question.toLowerCase(),
]

/** More than 2,000 pairs that must not share an answer. */
export function differentQuestions(): readonly QuestionPair[] {
  const fill = (template: string, at: number): string =>
    template
      .replace('{v}', VERBS[at % VERBS.length] ?? '')
      .replace('{s}', SUBJECTS[Math.floor(at / VERBS.length) % SUBJECTS.length] ?? '')
  const negated = NEGATED.flatMap(([left, right]) =>
    Array.from({ length: 100 }, (_, at) => ({ kind: 'negation', left: fill(left, at), right: fill(right, at) })),
  )
  const numbered = NUMBERED.flatMap((template) =>
    NUMBERS.flatMap(([one, other]) =>
      Array.from({ length: 25 }, (_, at) => ({
        kind: 'number',
        left: fill(template, at * 7).replace('{n}', one),
        right: fill(template, at * 7).replace('{n}', other),
      })),
    ),
  )
  const swapped = Object.entries(SWAPPED).flatMap(([kind, rows]) =>
    rows.flatMap(([template, other]) =>
      DRESSES.slice(0, kind === 'word' ? 2 : DRESSES.length).map((dress) => ({
        kind,
        left: dress(template.replaceAll('|', '')),
        right: dress(template.replace(/\|.*\|/, other)),
      })),
    ),
  )
  return [...negated, ...numbered, ...swapped]
}

/** Ways of asking the same, `{q}` for the question as it is and `{i}` for it as part of a sentence. */
const SAME: readonly (readonly [asked: string, others: readonly string[]])[] = [
  [
    'What is the capital of France?',
    [
      'what is the capital of France',
      "What's the capital of France?",
      'Hi, what is the capital of France?',
      'What is the capital of France, please?',
      'Could you tell me what the capital of France is?',
      'Please tell me what the capital of France is.',
      'I would like to know what the capital of France is. Thanks!',
      'What is capital of France?',
      'Hello there! What is  the capital of France ?',
    ],
  ],
  [
    'How do I reset my password?',
    [
      'How can I reset my password?',
      'how to reset my password',
      'What is the way to reset my password?',
      'What are the steps to reset my password?',
      'Please tell me how to reset my password.',
      'Can you tell me how to reset my password? Thank you very much',
      'Hey, how do I reset my password, please?',
      'Show me how to reset my password',
    ],
  ],
  [
    "Why can't I log in after the update?",
    [
      'Why cannot I log in after the update?',
      'why can not I log in after the update',
      'Hello, why can’t I log in after the update?',
      "Why can't I log in after an update?",
    ],
  ],
  [
    'Explain how a heat pump works.',
    [
      'Can you explain how a heat pump works?',
      'Could you please explain how a heat pump works?',
      'explain how a heat pump works',
      'Please explain how a heat pump works, thanks.',
    ],
  ],
]

/** Pairs that ask the same; an answer of one serves the other. */
export function sameQuestions(): readonly QuestionPair[] {
  return SAME.flatMap(([left, others]) => others.map((right) => ({ kind: 'same', left, right })))
}
