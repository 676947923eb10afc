import { contentWords } from './retrieve.ts'

/** Stems of what a request speaks of without its name: amounts of money, dates, temperatures and the like. */
export function impliedStems(request: string): readonly string[] {
  return [...new Set(IMPLIED.filter(({ sign }) => sign.test(request)).flatMap(({ words }) => contentWords(words)))]
}

const IMPLIED: readonly { readonly sign: RegExp; readonly words: string }[] = [
  {
    sign: /[$€£¥]|\b(?:USD|EUR|GBP|JPY|CHF|CAD|AUD|CNY|INR|dollars?|euros?|pounds? sterling|yen|rupees?|yuan)\b/i,
    words: 'currency money price amount',
  },
  {
    sign: /\b(?:19|20)\d\d\b|\b\d{1,2}(?:st|nd|rd|th)\b|\b(?:January|February|March|April|June|July|August|September|October|November|December|today|tomorrow|yesterday)\b/i,
    words: 'date',
  },
  { sign: /\b(?:celsius|fahrenheit|kelvin)\b|°/i, words: 'temperature' },
  { sign: /\b(?:km|kilomet(?:er|re)s?|miles?|met(?:er|re)s?|feet|inch(?:es)?)\b/i, words: 'distance length' },
  { sign: /\b(?:kg|kilograms?|grams?|lbs?|ounces?)\b/i, words: 'weight mass' },
  { sign: /\b(?:AM|PM|o'clock)\b|\b\d{1,2}:\d\d\b/, words: 'time' },
  { sign: /\bhow (?:far)\b/i, words: 'distance' },
  { sign: /\bhow (?:long)\b/i, words: 'time duration length' },
  { sign: /\bhow (?:much does|expensive)\b/i, words: 'price cost' },
  { sign: /[^\s@]+@[^\s@]+\.[a-z]{2,}/i, words: 'email address' },
  { sign: /https?:\/\//i, words: 'url website' },
]
