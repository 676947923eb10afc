/**
 * Names of people by what stands beside them: a greeting, a title, a label, a signature. Pure. Without a model or a list of
 * names, a name that nothing announces is not found.
 */
import type { PrivateSpan } from './private-span.ts'
import type { Scan } from './scan.ts'

const PARTICLE = '(?:van|von|vom|der|den|de|da|di|del|della|dos|du|la|le|el|al|bin|ibn|ben|ter|ten|zu|af|av|y|e|St\\.)'
const ONE =
  "(?:\\p{Lu}['’]\\p{Lu}[\\p{Ll}\\p{M}]+|\\p{Lu}[\\p{Ll}\\p{M}]+(?:['’-]\\p{L}[\\p{Ll}\\p{M}]+)*|\\p{Lu}\\.|\\p{Lu}{2,20}(?=\\s\\p{Lu}|[\\s,.;:!?)]|$))"
const FULL = `${ONE}(?:\\s(?:${PARTICLE}\\s){0,2}${ONE}){0,3}`

interface Cue {
  /** What is sought in the text, ASCII. */
  readonly words: readonly string[]
  /** Sticky at the word; the group is the name. */
  readonly pattern: RegExp
}

/**
 * @param list what announces a name, between commas
 * @param ends what stands right behind a word, so that `an:` is sought and not every `an`
 * @param before what stands between the word and the name
 */
function cue(list: string, ends: readonly string[], before: string): Cue {
  const words = list.split(',').map((word) => word.trim())
  const pattern = new RegExp(`(?<![\\p{L}\\p{N}])(?:${words.join('|')})${before}(${FULL})`, 'iuy')
  return { words: words.flatMap((word) => ends.map((end) => word + end)), pattern }
}

const TITLE =
  '(?:(?:Mr|Mrs|Ms|Miss|Dr|Prof|Herrn?|Frau|Mme|Madame|Monsieur|M|Sra?|Señora?|Signora?|Sig|Dott|Mag|Ing)\\.?\\s){0,2}'

const CUES: readonly Cue[] = [
  cue(
    `dear, hi, hello, hey, hallo, liebe, lieber, cher, bonjour, hola, querido, querida, estimado, estimada, caro, cara, gentile, beste, geachte,
    prezado, prezada, hej, ciao, moin, greetings, good morning, good evening, thanks, thank you`,
    [' ', ', '],
    `,?\\s${TITLE}`,
  ),
  cue('geehrte frau, geehrter herr, geehrter herrn', [' '], `\\s${TITLE}`),
  cue(
    `mr, mrs, ms, miss, mister, dr, prof, professor, sir, lady, mme, mlle, madame, monsieur, herr, herrn, frau, sr, sra, srta, don, sig, signor,
    signora, signore, dott, senhor, senhora, dhr, mevr, mevrouw, meneer, pani, hr, doctor, nurse, judge, attorney, officer, captain, rabbi,
    reverend, colleague, kollege, kollegin`,
    [' ', '.'],
    `\\.?\\s${TITLE}`,
  ),
  cue(
    `name is, names is, am called, this is, i am, i'm, call me, mein name ist, ich bin, mon nom est, je suis, je m'appelle, me llamo, nombre es, soy, mi chiamo, sono,
    meu nome, chamo-me, me chamo, mijn naam is, ik ben, navn er, jag heter, jeg heter, spoke to, spoke with, speaking to, met with,
    married to, signed by, written by, reported by, assigned to, approved by, behalf of, unterzeichnet von, attention of, care of, c/o, son of,
    daughter of, wife of, husband of, mother of, father of, my wife, my husband, my son, my daughter, my brother, my sister, my mother, my father,
    my boss, my friend, my colleague, my neighbour, my neighbor, meine frau, mein mann, mein sohn, meine tochter, mein chef, ma femme, mon mari,
    mi esposa, mi marido, mi jefe`,
    [' '],
    `(?:\\sé|\\ssię)?\\s${TITLE}`,
  ),
  cue(
    `name, surname, nachname, vorname, nom, nombre, apellido, apellidos, nome, cognome, naam, navn, namn, patient, patientin, customer, client,
    contact, contact person, ansprechpartner, attn, attention, from, to, cc, von, an, author, reporter, assignee, employee, applicant, tenant,
    passenger, guest, recipient, sender, cardholder, card holder, account holder, kontoinhaber, kundin, kunde, mieter, cliente, paciente, paziente,
    signed, owner, beneficiary`,
    [':', '"', ' :', '='],
    `["']?\\s?[:=]\\s{0,3}["']?${TITLE}`,
  ),
  cue(
    `says, said, told, asked, called, met, emailed, phoned, invited, visited, heard, add, with, by, for, and, sagt, sagte, schrieb, dit, dijo, disse`,
    [' '],
    `\\s${TITLE}(?=\\p{Lu}\\p{Ll}+\\s(?:\\p{Lu}\\.?\\s)?\\p{Lu}\\p{Ll}+(?:['’]s)?\\s(?:as|to|in|on|at|and|who|is|was|has|had|for|said|says|told|speak|from|about|called|would|will)\\s)`,
  ),
  cue(
    'patient, customer, client, employee, tenant, applicant, kunde, kundin, patientin',
    [' '],
    `\\s${TITLE}(?=\\p{Lu}\\p{Ll}+\\s\\p{Lu}\\p{Ll})`,
  ),
  cue(
    `sincerely, sincerely yours, truly, faithfully, regards, best, cheers, thanks, thank you, wishes, love, cordialement, amicalement, sinceramente,
    atentamente, saludos, saludo, saluti, atenciosamente, cumprimentos, groet, groeten, hilsen, danke, dank, lg, vg, mfg, gruss, pozdrawiam,
    respectfully`,
    ['\n', ',\n', ', \n', ' \n'],
    ',?\\s?\\n\\s{0,4}',
  ),
  // Letters beyond ASCII cannot be sought in the one look, so a part of these words is.
  {
    words: [
      'gr\u00fc',
      'freundlichen gr',
      'viele gr',
      'beste gr',
      'liebe gr',
      'ne gr',
      'hen gr',
      'gruss',
      'gru',
    ].filter((word) => /^[ -~]+$/.test(word)),
    pattern: new RegExp(
      `(?:(?:freundlichen|viele|beste|liebe|schöne|herzlichen|ne|hen) )?(?:grüße|grüßen|gruß|gruss|grüsse|grüssen)(?:\\saus\\s\\p{L}{2,20})?,?\\s{0,2}(?:\\n\\s{0,4}|\\s)(${FULL})`,
      'iuy',
    ),
  },
  { words: ['ich hei', 'je m'], pattern: new RegExp(`(?:ich heiße|je m['’]appelle)\\s(${FULL})`, 'iuy') },
]

/** Keywords of the scan. */
export const NAME_WORDS: readonly string[] = [...new Set(CUES.flatMap(({ words }) => words))]

/** Per cue the places of its words in `NAME_WORDS`. */
const NUMBERS = CUES.map(({ words }) => [...new Set(words)].map((word) => NAME_WORDS.indexOf(word)))

/** What is written where a name could be. Lower case. */
const NO_NAMES = new Set(
  `
    sir sirs madam madame customer customers team all everyone everybody friend friends colleague colleagues user
    users client clients support hiring manager president minister chairman speaker judge santa god lord lady
    world there again and or the a an in on at for from to of with not no none null unknown required optional
    undefined true false yes see please thank thanks regards best kind sincerely happy sorry glad sure going
    looking writing trying important only just very here my your our his her their its this that these it he she
    we you they i damen herren kunde kundin kunden kollegen kolleginnen zusammen alle und sie ich wir ihr der die
    das den dem ein eine mit für auf nicht cliente clientes señores señor señora todos equipo tutti signori
    collega clienti klant klanten heer mevrouw name first last full email mail phone address date number order
    invoice file http https monday tuesday wednesday thursday friday saturday sunday january february march april
    june july august september october november december hi hello dear api url id json html error warning info
    debug test new old what when where why how who which can could would should if as is are was be do does did
    have has had
  `
    .trim()
    .split(/\s+/),
)

/** @param first the scan's number of the first of `NAME_WORDS` */
export function namesIn(text: string, scan: Scan, first: number): readonly PrivateSpan[] {
  const announced = CUES.flatMap(({ pattern }, at) =>
    (NUMBERS[at] ?? []).flatMap((number) =>
      (scan.keywords.get(first + number) ?? []).flatMap((place) => nameAt(pattern, text, place)),
    ),
  )
  return [...announced, ...again(text, announced)]
}

function nameAt(pattern: RegExp, text: string, place: number): readonly PrivateSpan[] {
  pattern.lastIndex = place
  const match = pattern.exec(text)
  const name = match?.[1]
  if (!match || name === undefined) return []
  // The pattern folds case for what announces the name; the name itself begins with a capital.
  const kept = capitalised(name)
  if (kept === '') return []
  const start = match.index + match[0].length - name.length
  return [{ kind: 'name', detector: 'name', start, end: start + kept.length }]
}

const CAPITALISED = new RegExp(`^${FULL}`, 'u')

/** The part of a candidate that is written like a name and holds no word that is none. */
function capitalised(candidate: string): string {
  const name = CAPITALISED.exec(candidate)?.[0] ?? ''
  const words = name.split(/\s/)
  const stop = words.findIndex((word) => NO_NAMES.has(word.toLowerCase().replace(/[.,]$/, '')))
  const kept = (stop < 0 ? words : words.slice(0, stop)).join(' ')
  return kept.replace(/[.,]$/, '').length < 2 ? '' : kept
}

/** A person who was named once is the same further down, also by one of the names alone. */
function again(text: string, announced: readonly PrivateSpan[]): readonly PrivateSpan[] {
  const names = new Set(
    announced.flatMap(({ start, end }) => {
      const name = text.slice(start, end)
      return [name, ...name.split(/\s/).filter((word) => word.length >= 4 && /^\p{Lu}\p{Ll}/u.test(word))]
    }),
  )
  return [...names].flatMap((name) => {
    const found: PrivateSpan[] = []
    for (let at = text.indexOf(name); at >= 0; at = text.indexOf(name, at + name.length)) {
      const isWhole = !/[\p{L}\p{N}]/u.test(text[at - 1] ?? ' ') && !/[\p{L}\p{N}]/u.test(text[at + name.length] ?? ' ')
      if (isWhole) found.push({ kind: 'name', detector: 'name_again', start: at, end: at + name.length })
    }
    return found
  })
}
