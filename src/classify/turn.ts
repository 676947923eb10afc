/** Whose turn a request is: of a person who asks, of one who only says "go on", or of a tool that reports. Pure. */
import { inputText, type Message, messageText } from '../spec/request.ts'

export interface TurnRead {
  readonly turn: 'human' | 'go_ahead' | 'tool_result'
  /**
   * The words of the last person who asked for something: what a request is classified by. An agent sends what tools
   * say under the same task, and "yes" means what was asked before.
   */
  readonly text: string
}

export function readTurn(messages: readonly Message[]): TurnRead {
  const turn = turnOf(messages)
  if (turn === 'human') return { turn, text: spoken(messages.findLast(isPerson)) ?? inputText(messages) }
  const asked = messages.findLast((message) => isPerson(message) && !isGoAhead(spoken(message) ?? ''))
  return { turn, text: spoken(asked) ?? inputText(messages) }
}

/** Whether a text is nothing but a leave to go on, in the languages that hard stops are written in. */
export function isGoAhead(text: string): boolean {
  if (text.length > LONGEST) return false
  const words = folded(text)
    .split(' ')
    .filter((word) => word !== '' && !ANYWHERE.has(word))
  if (words.length === 0) return false
  let says = false
  for (let at = 0; at < words.length; ) {
    const phrase = phraseAt(words, at)
    if (phrase === null) return false
    says ||= phrase.says
    at += phrase.words
  }
  return says
}

/** "Yes, please go ahead and do it, thank you very much." is 53. */
const LONGEST = 80

function turnOf(messages: readonly Message[]): TurnRead['turn'] {
  const spokenSince = messages.slice(messages.findLastIndex(({ role }) => role === 'assistant') + 1)
  const person = spokenSince.findLast(isPerson)
  if (person === undefined) return spokenSince.some(({ role }) => role === 'tool') ? 'tool_result' : 'human'
  // Nobody can give leave to go on before something was said.
  if (spokenSince.length === messages.length) return 'human'
  return isGoAhead(spoken(person) ?? '') ? 'go_ahead' : 'human'
}

/** A message of a person. Notes that an agent writes beside the results of its tools are its own. */
function isPerson(message: Message): boolean {
  if (message.role !== 'user') return false
  const { content } = message
  return spoken(message) !== '' || (typeof content !== 'string' && content.some(({ type }) => type !== 'text'))
}

/** Notes of coding agents to their model, as they stand in user messages. */
const AGENTS_NOTE = /<system-reminder>[\s\S]*?<\/system-reminder>/g

function spoken(message: Message | undefined): string | undefined {
  if (message === undefined) return undefined
  const text = messageText(message)
  return text.includes('<system-reminder>') ? text.replace(AGENTS_NOTE, '').trim() : text
}

/** Lower case, without accents and marks. */
function folded(text: string): string {
  return text
    .normalize('NFD')
    .replace(/\p{M}/gu, '')
    .toLowerCase()
    .replace(/\u00f8/g, 'o')
    .replace(/\u0142/g, 'l')
    .replace(/['\u2019-]/g, ' ')
    .replace(/[^\p{L}\p{N} ]/gu, ' ')
    .replace(/\s+/g, ' ')
    .trim()
}

interface Phrase {
  readonly words: number
  /** False for words of courtesy, which say nothing alone. */
  readonly says: boolean
}

function phraseAt(words: readonly string[], at: number): Phrase | null {
  for (let length = Math.min(MOST_WORDS, words.length - at); length > 0; length--) {
    const phrase = words.slice(at, at + length).join(' ')
    const says = LEAVE.has(phrase)
    if (says || COURTESY.has(phrase)) return { words: length, says }
  }
  return null
}

const MOST_WORDS = 4

function phrases(...lists: readonly string[]): ReadonlySet<string> {
  return new Set(lists.flatMap((list) => list.split(',').map((phrase) => folded(phrase))))
}

const LEAVE = phrases(
  'yes, y, yeah, yep, yup, sure, ok, okay, okey, k, continue, go on, go ahead, go for it, proceed, carry on, keep going, do it, do that, do so, next, resume, sounds good, looks good, lgtm, ship it, perfect, great, fine, right, correct, exactly, agreed, approved, confirmed, of course, absolutely, definitely',
  'ja, jo, jawohl, klar, gerne, gern, weiter, mach weiter, weitermachen, fortfahren, fahre fort, fahr fort, fahren Sie fort, machen Sie weiter, mach das, mach es, tu das, leg los, los, in Ordnung, passt, genau, einverstanden, richtig, perfekt, natürlich',
  "oui, ouais, d'accord, continue, continuez, vas-y, allez-y, poursuis, poursuivez, fais-le, faites-le, bien sûr, parfait, très bien, entendu",
  'sí, vale, de acuerdo, claro, continúa, continúe, continuar, sigue, siga, adelante, hazlo, hágalo, dale, perfecto, correcto, por supuesto',
  "sì, certo, va bene, d'accordo, continua, continui, prosegui, prosegua, procedi, proceda, vai, vai avanti, avanti, fallo, perfetto, esatto, certamente",
  'sim, está bem, tudo bem, certo, de acordo, prossiga, segue, avança, avance, pode continuar, pode seguir, faz isso, faça isso, perfeito, exato',
  'prima, oké, ga door, ga verder, doorgaan, verder, doe maar, doe het, akkoord, graag, goed, is goed, zeker, klopt',
  'tak, dobrze, jasne, kontynuuj, dalej, śmiało, zrób to, zgoda, pewnie, oczywiście',
  'ja, fortsätt, kör, kör på, gör det, visst, gärna, självklart, fortsæt, kør, gør det, gerne, selvfølgelig, fortsett, kjør på, gjør det, gjerne',
  'ano, jo, pokračuj, pokračujte, dál, jasně, dobře, udělej to, souhlasím',
)

/** Words of courtesy that may stand inside of others: "mach bitte weiter". */
const ANYWHERE = phrases('please, bitte, doch, mal, stp, proszę, prosím, alsjeblieft, snälla, venligst')

const COURTESY = phrases(
  'please, pls, plz, thanks, thank you, thank you very much, thx, and, then, so, now, just, with it, with that, that, it',
  'bitte, danke, vielen Dank, dann, und, jetzt, nur, einfach',
  "s'il te plaît, s'il vous plaît, stp, svp, merci, merci beaucoup, et, alors",
  'por favor, gracias, muchas gracias, y, entonces',
  'per favore, grazie, grazie mille, allora',
  'obrigado, obrigada, por favor, então',
  'alsjeblieft, alstublieft, dank je, dank u, bedankt, en, dan, maar',
  'proszę, dziękuję, dzięki, więc',
  'tack, tak, takk, snälla, venligst, prosím, děkuji, díky',
)
