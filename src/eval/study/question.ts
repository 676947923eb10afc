/** How a row of the study is put to the router: as a typed decision of its set's kind, or in words. */
import type { DecideRequest, Message, RouterRequest } from '../../spec/request.ts'
import type { Outcome } from '../../spec/response.ts'
import type { Router } from '../../spec/router.ts'
import { type AskedCondition, taskName } from './conditions.ts'
import { SET_DETAILS, type StudyRow } from './sets.ts'

const IN_WORDS: ReadonlySet<AskedCondition> = new Set(['local_in_words', 'advisor', 'advisor_no_document'])

export function askRow(
  router: Router,
  row: StudyRow,
  condition: AskedCondition,
  signal: AbortSignal,
): Promise<Outcome> {
  const metadata = { task: taskName(row.set, condition) }
  const isWritten = IN_WORDS.has(condition) || SET_DETAILS[row.set].kind === 'text'
  return isWritten
    ? router.complete({ ...inWords(row), metadata }, { signal })
    : router.decide({ ...typed(row), metadata }, { signal })
}

function inWords(row: StudyRow): Pick<RouterRequest, 'messages' | 'maxOutputTokens' | 'temperature'> {
  const { inWords: asked, maxOutputTokens } = SET_DETAILS[row.set]
  const texts =
    row.context === undefined ? [`${row.input}\n\n${asked}`] : [row.context, `Question: ${row.input}\n${asked}`]
  const message: Message = { role: 'user', content: texts.map((text) => ({ type: 'text' as const, text })) }
  return { messages: [message], ...(maxOutputTokens !== undefined && { maxOutputTokens }), temperature: 0 }
}

function typed({ set, input, context, meta }: StudyRow): DecideRequest {
  if (set === 'stsb') return { input: meta.sentence1 ?? '', compareTo: meta.sentence2 ?? '' }
  return { input, ...(context !== undefined && { document: context }) }
}
