/** Dates of birth: a date beside a word that says whose it is. Pure. */
import type { Finding, Part } from './private-span.ts'

const MONTH =
  '(?:jan|feb|mar|m[äa]r|apr|ma[iyj]|jun|jul|aug|sep|o[ck]t|nov|de[czs]|ene|abr|ago|dic|janv|févr|avr|juin|juil|août|gen|mag|giu|lug|set|ott|fev|mrt|mei|okt|sty|lut|kwi|cze|lip|sie|wrz|pa[źz]|lis|gru)\\p{L}{0,8}\\.?'
const DATE = new RegExp(
  `(?<![\\p{L}\\p{N}])(?:(?:\\d{1,2}(?:st|nd|rd|th|er|\\.|º)?[ -](?:de |of )?${MONTH},?[ -](?:de )?\\d{2,4})|(?:${MONTH} \\d{1,2}(?:st|nd|rd|th)?,? \\d{4})|\\d{4}[-/.]\\d{1,2}[-/.]\\d{1,2}|\\d{1,2}([-/. ]{1,2})\\d{1,2}\\1(?:19|20)?\\d{2}|(?:19|20)\\d{6})(?![\\p{L}\\p{N}])`,
  'giu',
)

const BEFORE =
  /(?:(?:date|day|place and date) of birth|birth ?-?(?:date|day)|\bd\.?o\.?b\b|\bborn(?: on| in| at)?|geb(?:oren|\.|urtsdatum|urtstag)|n[ée]e? le|date de naissance|anniversaire|nacid[oa]s? (?:el|en)|naci[óo] el|fecha de nacimiento|f\. ?nac|cumplea[ñn]os|data di nascita|nat[oa] (?:il|a)|compleanno|data de nascimento|nascid[oa] (?:em|a|no dia)|nasci em|geboortedatum|geboren op|urodzon[aeyi]|data urodzenia|ur\.|f[öo]delse(?:datum|dag)|f[øo]d(?:t|selsdato|selsdag)|syntym[äa](?:aika|p[äa]iv[äa])|datum narozen[íi]|narozen[aý]?|sz[üu]let(?:ett|[ée]si)|data na[șs]terii|n[ăa]scut[ăa]?|дата рождения|родил(?:ся|ась)|дата народження|do[ğg]um tarihi|生年月日|出生日期|出生|생년월일)[^\n]{0,25}$/iu

export function birthDatesIn({ text, whole, offset }: Part): readonly Finding[] {
  return [...text.matchAll(DATE)].flatMap((match): readonly Finding[] => {
    const at = offset + match.index
    if (!BEFORE.test(whole.slice(Math.max(0, at - 60), at))) return []
    return [{ detector: 'birth_date', start: match.index, end: match.index + match[0].trimEnd().length }]
  })
}
