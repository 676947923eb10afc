/** Telephone numbers. Pure. */
import type { Finding, Part } from './private-span.ts'

/** Groups of digits with the marks people put between them, and an extension. */
const CANDIDATE =
  /(?<![\p{L}\p{N}.,/#-])(?:\+ ?|00[ -]?)?(?:\(\+?\d{1,5}\)[ ./-]{0,2})?\d{1,11}(?:[ ./-]{0,2}(?:\(0?\d{0,4}\)|\d{1,8})){0,6}(?: ?(?:x|ext\.?|extension) ?\d{1,6})?(?![\p{L}\p{N}])/giu

/** International numbers have 7 to 15 digits. @see ITU-T E.164 */
const [LEAST, MOST] = [7, 15]

/** With a country code, in the form of North America, or with the zero that opens a call within a country. */
const FORMS: readonly RegExp[] = [
  /^(?:\+|00[1-9])/,
  /^(?:1[ .-])?(?:\([2-9]\d{2}\) ?|[2-9]\d{2}[ .-])\d{3}[ .-]\d{4}(?: ?(?:x|ext\.?) ?\d+)?$/i,
  /^\(?0\d{1,5}\)?[ /-]\d{2,8}(?:[ -]\d{2,5}){1,4}$/,
  /^0[1-9]\d{8,9}$/,
  /^\(?0[1-9]\d{0,4}\)?(?: ?[/-] ?| )\d{5,9}$/,
  /^\(0?[1-9]\d{1,2}\) ?9?\d{4}[ -]?\d{4}$/,
  /^0 ?\(\d{2,5}\) ?\d{2,4}[ -]?\d{3,5}$/,
  /^\(\d{2,5}\) ?\d{3,4}[ -]?\d{3,5}(?: ?x\d+)?$/,
]

/** A date, with or without a time, and a version are no numbers to call. */
const NO_PHONE = /^(?:\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/.]\d{1,2}[-/.]\d{4})(?: |$)|^\d+(?:\.\d+){1,2}$/

/** What people write before a number, and sometimes after it. */
const CONTEXT =
  /(?<!\p{L})(?:phone|tel(?:ephone|efon|efoon|éfono|éphone|efone)?|call(?:ed|ing)?|mobil(?:e|funk|nummer|telefon)?|cell(?:ular|phone)?|fax|desk|whatsapp|sms|text(?:ed)? me|dial|ring|hotline|handy|rufnummer|telefonnummer|answering|messages? (?:to|on)|contact(?: me| us)?|reach (?:me|us)|registered|m[óo]vil|celular|llám[ae](?:me|nos)?|appele[zr]|portable|cellulare|chiam[ai](?:mi|ci|te)?|gsm|bel(?: me| mij)?|telem[óo]vel|ligue|zadzwoń|tel\.? kom|puh(?:elin)?|telefonla|тел(?:ефон)?|моб|звоните|τηλ(?:έφωνο)?|κινητό|هاتف|جوال)(?!\p{L})\.?[^\n.!?]{0,30}\n?[^\n.!?]{0,12}$|(?:电话|電話|手机|手機|携帯|전화|휴대폰|연락처)[^\n。！？]{0,12}$/iu
const CONTEXT_AFTER = /^[ -]{0,2}(?:office|fax|mobile|cell|home|work|direct)\b/i

export function phonesIn({ text, whole, offset }: Part): readonly Finding[] {
  return [...text.matchAll(CANDIDATE)].flatMap((match): readonly Finding[] => {
    const candidate = match[0].trimEnd()
    const digits = candidate.replace(/(?:x|ext\.?|extension) ?\d+$/i, '').replace(/\D/g, '').length
    if (digits < LEAST || digits > MOST || NO_PHONE.test(candidate)) return []
    const start = offset + match.index
    const before = whole.slice(Math.max(0, start - 70), start)
    const after = whole.slice(start + candidate.length, start + candidate.length + 12)
    const isPhone = FORMS.some((form) => form.test(candidate)) || CONTEXT.test(before) || CONTEXT_AFTER.test(after)
    return isPhone ? [{ detector: 'phone', start: match.index, end: match.index + candidate.length }] : []
  })
}
