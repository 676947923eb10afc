/**
 * Postal addresses: a street with a number, a post box, or a postcode with its place, in the forms of the common languages.
 * Pure. A place without number or postcode is no address.
 */

import type { PrivateSpan } from './private-span.ts'
import type { Stretch } from './scan.ts'

const CAP = "(?:\\p{Lu}[\\p{L}.'’-]{0,24}|\\d{1,3}(?:st|nd|rd|th))"
const LINK =
  "(?:(?:de|del|de la|de las|de los|do|da|dos|das|di|della|dei|degli|du|des|de l['’]|d['’]|l['’]|la|le|les|van|van de|van der|von|der|den|und|and|of|the|y|e|i)(?: |(?<=['’])))"
const WORDS = `(?:${LINK}{0,2}${CAP})(?:[ -]${LINK}{0,2}${CAP}){0,4}`
const NUMBER = '\\d{1,5}(?:\\s?[a-zA-Z](?![\\p{L}\\p{N}]))?(?:\\s?[-/–]\\s?\\d{1,5}[a-zA-Z]?(?!\\p{L}))?'

const ENGLISH =
  'Street|St|Avenue|Ave|Road|Rd|Boulevard|Blvd|Lane|Ln|Drive|Dr|Court|Ct|Circle|Cir|Place|Pl|Square|Sq|Terrace|Ter|Way|Highway|Hwy|Parkway|Pkwy|Row|Crescent|Cres|Close|Grove|Gardens|Gdns|Mews|Hill|Quay|Wharf|Walk|Alley|Loop|Trail|Trl|Turnpike|Pike|Plaza|Broadway|Rise|Parade|Esplanade|Bypass|Route|Run|Pass|Path|Crossing|Ridge|View|Green|Yard'
/** Ends of one word that is a street's name: `Lindenweg`, `Keizersgracht`, `Storgatan`, `Mannerheimintie`. */
const COMPOUND =
  'stra(?:ß|ss)e|str\\.|weg|gasse|platz|allee|ring|damm|ufer|graben|gracht|laan|straat|plein|kade|dijk|singel|gatan|vägen|vej|veien|gate|gata|gade|gaten|allé|katu|tie|polku|kuja|utca|körút|tér'
const SEPARATE_AFTER =
  'Stra(?:ß|ss)e|Str\\.|Weg|Gasse|Platz|Allee|Ring|Damm|Ufer|gate|gata|vei|väg|katu|tie|utca|u\\.|út|körút|tér|Caddesi|Cad\\.|Sokak|Sok\\.|Bulvarı|Bundesstra(?:ß|ss)e'
const BEFORE =
  'rue|avenue|av\\.|boulevard|bd\\.?|place|pl\\.|chemin|impasse|allée|quai|route|cours|square|passage|calle|c/|cl\\.|avda\\.?|avenida|av|plaza|plza\\.?|paseo|pº|camino|carrera|carretera|cra\\.?|ronda|travesía|rúa|rua|travessa|largo|praça|alameda|estrada|rodovia|via|viale|v\\.le|piazza|p\\.zza|piazzale|corso|vicolo|strada|str\\.|contrada|lungo\\p{Ll}{2,12}|ul\\.|ulica|al\\.|aleja|aleje|pl\\.|os\\.|ulice|nám\\.|náměstí|strada|bulevardul|bd|calea|șos\\.|ул\\.|улица|просп\\.|проспект|пер\\.|пл\\.|вул\\.|οδός|λεωφόρος|carrer|passeig'
const GERMAN_PREPOSITION =
  '(?:Am|An der|An den|Im|In der|In den|Auf der|Auf dem|Zum|Zur|Unter den|Hinter der|Vor dem|Beim|Bei der|Alter|Alte|Neuer|Neue|Großer|Kleine)'
/** Names that stand alone, such as `Vodičkova 30` or `Prinsengracht`, are addresses only with a postcode behind. */
const UNIT =
  '(?:,?\\s{0,2}(?:Apt|Apartment|Suite|Ste|Unit|Flat|Floor|Fl|Room|Rm|Bldg|Building|Etage|OG|App|Appt|Bât|Piso|Planta|Puerta|Esc|Int|Interno|Scala|Bloco|Apto|Andar|m\\.|lok\\.|kv\\.|кв\\.|lgh|lägenhet|th|tv|krs|as)\\.?\\s?[\\p{L}\\p{N}-]{1,6}|,?\\s?#\\s?\\d{1,5}|,?\\s\\d{1,2}\\s?[ºª°](?:\\s?\\d{0,2}[ºª°A-Za-z]?)?|\\s[A-Z]\\s\\d{1,3}(?![\\p{L}\\p{N}]))'

const STATE =
  '(?:A[KLRZ]|C[AOT]|D[CE]|FL|GA|HI|I[ADLN]|K[SY]|LA|M[ADEINOST]|N[CDEHJMVY]|O[HKR]|P[AR]|RI|S[CD]|T[NX]|UT|V[AIT]|W[AIVY]|A[AEP]|AB|BC|MB|NB|NL|NS|ON|PE|QC|SK|NSW|VIC|QLD|TAS|ACT|NT)'
const UK_POSTCODE = '[A-Z]{1,2}\\d[A-Z\\d]? ?\\d[A-Z]{2}'
const CODE = `(?:(?:[A-Z]{1,2}[- ])?(?:\\d{5}-\\d{3,4}|\\d{4}-\\d{3}|\\d{2}-\\d{3}|\\d{3} \\d{2}|\\d{4} ?[A-Z]{2}(?!\\p{L})|\\d{4,6})(?!\\d))`
const CITY = `${CAP}(?:[ -]${LINK}{0,1}${CAP}){0,3}(?: [A-Z])?`
/** What follows a street: a town with its code before or behind, in the same line or the next. */
const TOWN = `(?:(?:,\\s{0,2}|\\s{1,2}|\\s?\\n\\s{0,8})(?:${CODE}\\s${CITY}|${CITY},?\\s{1,2}(?:${STATE}\\.?,?\\s)?(?:${UK_POSTCODE}|[A-Z]\\d[A-Z] ?\\d[A-Z]\\d|${CODE})|${CITY},?\\s${STATE}(?!\\p{L})|${STATE}\\s${CODE}|${UK_POSTCODE}|${CODE}))`
const CITY_AND_NUMBER = `(?:,\\s{0,2}${CITY}(?:\\s\\d{1,2}(?!\\d))?(?=[\\s.,;]|$))`
const TAIL = `(?:${UNIT}){0,3}(?:${TOWN}|${CITY_AND_NUMBER})?(?:,\\s${STATE}(?!\\p{L}))?`

const START = '(?<![\\p{L}\\p{N}])'
const LEAD = '(?:(?:Flat|Unit|Apt\\.?|Apartment|Suite|Room)\\s?[\\p{L}\\p{N}/-]{1,6},?\\s(?:\\d{1,5}[/,]\\s?)?)?'

/** Words, numbers and units as addresses have them, over lines; what a cue announces, or a unit makes an address. */
const TOKEN = `(?:\\d{1,6}(?:[-/]\\w{1,5})?[a-zA-Z]?(?![\\p{L}\\p{N}])|(?:Apt|Suite|Unit|Flat|Box)\\.?\\s\\w{1,6}|${CAP}|${LINK.replaceAll(' |', '(?= )|')})`
const CHUNK = `${TOKEN}(?:[\\s,]{1,10}${TOKEN}){1,14}`
const ANNOUNCED =
  '(?:(?:lives?|living|lived|resid(?:es?|ing)|stay(?:s|ing)?|located|arrived|meet|office|offices are|restaurant is|shop is|house is) (?:at|in)|address(?:es)?(?: of [^\\n]{2,40})? (?:is|are|to)|(?:sent|send|ship|shipped|deliver|delivered|return|mail|moved|moving|forward)(?: it| this| them)?(?: please)? to|wohn(?:e|t|haft)(?: in)?|habit(?:e|o) (?:au|en|in|à)|viv(?:o|e) en|moro n[ao]|woon(?:t)? (?:op|in)|mieszkam przy|bor på)'

const FORMS: readonly string[] = [
  `${START}${LEAD}(?:${NUMBER},?\\s(?:(?:[NSEW]{1,2}|North|South|East|West)\\.?\\s)?${CAP}(?:\\s${CAP}){0,3}?\\s(?:${ENGLISH})(?![\\p{L}])\\.?(?:\\s(?:[NSEW]{1,2}|North|South|East|West)(?![\\p{L}]))?)${TAIL}`,
  `${START}(?:\\p{Lu}[\\p{L}.-]{1,20}[ -]){0,3}\\p{L}[\\p{L}-]{1,30}(?:${COMPOUND})\\s?${NUMBER}${TAIL}`,
  `${START}(?:\\p{Lu}[\\p{L}.-]{1,24}[ -]){1,4}(?:${SEPARATE_AFTER})\\s?${NUMBER}${TAIL}`,
  `${START}${GERMAN_PREPOSITION}\\s(?:\\p{Lu}[\\p{L}-]{1,24}\\s){1,3}${NUMBER}(?=,|\\s\\d{5}|\\s?\\n)${TAIL}`,
  `${START}(?:${NUMBER}(?:\\s(?:bis|ter))?,?\\s)(?:${BEFORE})\\s${WORDS}${TAIL}`,
  `${START}(?:${BEFORE})\\s?${WORDS}(?:,?\\s(?:n[º°.]?\\s?)?${NUMBER}|,?\\ss/n)${TAIL}`,
  `${START}(?:P\\.?\\s?O\\.?\\s?Box|PO Box|Post Office Box|Postfach|Apartado(?: de correos)?|Casella postale|Boîte postale|BP|Postbus|Caixa postal|Skrytka|PSC|Box)\\s\\d{1,6}(?:,\\sBox\\s\\d{1,6})?${TAIL}`,
  // A name and a number, and a code that says it is an address.
  `${START}(?:${CAP}[ -]){0,3}${CAP}\\s${NUMBER}(?:${UNIT}){0,3},\\s?${CODE}\\s${CITY}`,
  `${START}${NUMBER}\\s(?:${CAP}\\s){0,3}${CAP}(?:${UNIT}){0,2},\\s?${CITY},?\\s(?:${STATE}\\s)?(?:${UK_POSTCODE}|${STATE}\\s\\d{4,5}(?:-\\d{4})?)`,
  `${START}${NUMBER}\\s(?:${CAP}\\s){1,5}(?:\\d{1,5}\\s)?(?:,?\\s{0,8}(?:Apt|Suite|Unit)\\.?\\s\\w{1,6})+(?:[\\s,]{1,10}${CHUNK})?`,
  `(?<=(?:${ANNOUNCED})\\s(?:the corner of )?)(?=${TOKEN}[^?!]{0,60}\\d|\\d)${CHUNK}`,
]

let compiled: readonly RegExp[] | null = null

/** Compiled when addresses are first looked for: with their alternatives that takes longer than most of a start. */
function writtenForms(): readonly RegExp[] {
  compiled ??= FORMS.map((source) => new RegExp(source, 'gu'))
  return compiled
}

/** Written without spaces: a place of the state, then numbers. */
const CJK: readonly RegExp[] = [
  /(?:〒\s?\d{3}-?\d{4}\s?)?\p{Script=Han}{1,6}[都道府県省市][\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}ー]{1,24}\d{1,4}(?:(?:丁目|番地?|号|[-－−])\d{0,4}){0,4}/gu,
  /(?:\p{Script=Han}{2,4}[省市区])?\p{Script=Han}{1,10}(?:路|街|大道|巷|弄)\d{1,5}[号號](?:\d{1,4}[室楼樓])?/gu,
  /(?:\p{Script=Hangul}{2,8}(?:시|도|구|군)\s){1,3}\p{Script=Hangul}{1,12}(?:로|길)\s?\d{1,5}(?:-\d{1,4})?/gu,
]

/** What people write before an address; then the rest of the line up to a sentence's end is one, if it holds a number. */
const CUE =
  /(?<!\p{L})(?:(?:postal |home |mailing |billing |shipping |street |delivery )?address|adresse|anschrift|wohnhaft(?: in)?|wohne(?: in)?|direcci[óo]n|domicilio|indirizzo|residente (?:in|a)|endere[çc]o|morada|adres|adress|osoite|adresa|c[íi]m|адрес|адреса|διεύθυνση|住所|地址|주소)(?: is| ist| est| es| é|è)?\s?[:：]\s{0,3}([^\n;]{6,120})/giu

/** How far an address may reach before and behind a number in it. */
const REACH_BEFORE = 70
const REACH_BEHIND = 110

/** @param digits where numbers stand; nothing else is looked at */
export function addressesIn(text: string, digits: readonly Stretch[]): readonly PrivateSpan[] {
  const windows: Stretch[] = []
  for (const one of digits) {
    const [start, end] = [Math.max(0, one.start - REACH_BEFORE), Math.min(text.length, one.end + REACH_BEHIND)]
    const last = windows.at(-1)
    if (last && start <= last.end) windows[windows.length - 1] = { start: last.start, end: Math.max(end, last.end) }
    else windows.push({ start, end })
  }
  return windows.flatMap(({ start, end }) => {
    const part = text.slice(start, end)
    const formed = [...writtenForms(), ...CJK].flatMap((form) =>
      [...part.matchAll(form)].map((match) => spanOf(start + match.index, match[0])),
    )
    const cued = [...part.matchAll(CUE)].flatMap((match): readonly PrivateSpan[] => {
      const value = untilSentenceEnd(match[1] ?? '')
      const at = start + match.index + match[0].indexOf(match[1] ?? '')
      return /\d/.test(value) &&
        /\p{Lu}|\p{Script=Han}|\p{Script=Hangul}/u.test(value) &&
        !/[@=]|:\/\/|(?:\d{1,3}\.){3}\d/.test(value)
        ? [spanOf(at, value)]
        : []
    })
    return [...formed, ...cued]
  })
}

function untilSentenceEnd(value: string): string {
  return value.replace(/(?<=\p{L}{3}|\d)[.!?](?:\s.*)?$/su, '').trimEnd()
}

function spanOf(start: number, value: string): PrivateSpan {
  return { kind: 'address', detector: 'address', start, end: start + value.replace(/[\s,]+$/u, '').length }
}
