/** Lists a page at a time, in the way of the OpenAI API. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Page } from '../spec/batch-book.ts'
import { RouterError } from '../spec/errors.ts'
import { sendJson } from './failure.ts'

const DEFAULT_LIMIT = 20
const MAX_LIMIT = 100

/** @throws RouterError request_invalid */
export function pageOf({ url = '' }: IncomingMessage): Page {
  const query = new URLSearchParams(url.split('?', 2)[1] ?? '')
  const limit = query.get('limit') ?? String(DEFAULT_LIMIT)
  if (!/^\d{1,9}$/.test(limit) || Number(limit) < 1)
    throw new RouterError('request_invalid', {
      path: 'limit',
      problem: 'it is not a whole number from 1',
      fix: `Ask for at most ${MAX_LIMIT} at a time.`,
    })
  return { after: query.get('after'), limit: Math.min(Number(limit), MAX_LIMIT) }
}

/** @param found one more than the limit where there is more */
export function sendPage(response: ServerResponse, { limit }: Page, found: readonly { readonly id: string }[]): void {
  const data = found.slice(0, limit)
  const ends = { first_id: data[0]?.id ?? null, last_id: data.at(-1)?.id ?? null }
  sendJson(response, 200, { object: 'list', data, ...ends, has_more: found.length > limit })
}
