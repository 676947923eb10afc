/** The six figures for machines: as JSON, and as Prometheus reads them. Only the operator's key opens them. */
import { RouterError } from '../spec/errors.ts'
import { METRICS_SINCE, type MetricsQuestion, type MetricsReport } from '../spec/metrics.ts'
import type { Exchange } from './exchange.ts'
import { sendJson } from './failure.ts'
import { requireOperator } from './internal.ts'

export async function metricsPage(exchange: Exchange): Promise<void> {
  sendJson(exchange.response, 200, await reportFor(exchange))
}

/** The text format of Prometheus; its library is loaded with the first scrape. */
export async function prometheusPage(exchange: Exchange): Promise<void> {
  const [report, { prometheusText }, { processText }] = await Promise.all([
    reportFor(exchange),
    import('./prometheus.ts'),
    import('./process-metrics.ts'),
  ])
  const { type, text } = await prometheusText(report)
  exchange.response.writeHead(200, { 'content-type': type, 'cache-control': 'no-store' })
  exchange.response.end(text + (await processText(exchange.app)))
}

async function reportFor({ app, request, holder }: Exchange): Promise<MetricsReport> {
  requireOperator(holder)
  const { metrics } = app
  if (metrics) return metrics(questionOf(request.url ?? ''))
  throw new RouterError('not_found', {
    subject: 'path',
    value: 'of a gateway that was opened without metrics',
    fix: '`spillway serve` has them.',
  })
}

const PARAMETERS: readonly string[] = ['since', 'task']

/** @throws RouterError request_invalid: a parameter that would be without effect */
function questionOf(url: string): MetricsQuestion {
  const query = new URLSearchParams(url.split('?', 2)[1] ?? '')
  const unknown = [...query.keys()].find((name) => !PARAMETERS.includes(name))
  const twice = PARAMETERS.find((name) => query.getAll(name).length > 1)
  const wrong = unknown ?? twice
  if (wrong !== undefined)
    throw new RouterError('request_invalid', {
      path: wrong.slice(0, 40),
      problem: twice === undefined ? 'there is no such parameter' : 'it is given twice',
      fix: 'Use ?since=24h and ?task=<name>, each once.',
    })
  return { since: query.get('since') ?? METRICS_SINCE, task: query.get('task') }
}
