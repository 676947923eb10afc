import { createRouter } from '../dist/compose.js'
import { scriptedModel } from '../dist/testing.js'
import { mkdtempSync } from 'node:fs'
const f = mkdtempSync('/tmp/rt-')
const router = createRouter({ policy: { models: { cloud: { provider: 'openai', model: 'simulated', tier: 'frontier', baseUrl: 'http://127.0.0.1:9/v1', apiKey: '${env:K}', priceUsdPerMillion: {input:1,output:1} } }, tasks: { ask: { pattern: 'direct', local: false, frontier: 'cloud' } }, budgets: { day: 1e6 } }, env: { K: 'x' }, paths: { configDir: f, dataDir: f, cacheDir: f, stateDir: f }, models: { cloud: scriptedModel({ name: 'cloud', answers: () => 'An answer of some words that is not long.' }) } })
const FILLER='The river rose for three days before anybody thought of opening the gates, and by then the lower fields were under water. '
const content = FILLER.repeat(10).slice(0, 700)
const conc = Number(process.argv[2] ?? 64)
for (let round=0; round<Number(process.argv[3]??10); round++) {
  const n=4000; const c=process.cpuUsage(); const t=performance.now(); let left=n
  await Promise.all(Array.from({length:conc}, async()=>{ while(left-->0) await router.complete({ messages:[{role:'system',content:'You are a careful support agent. Answer in one sentence.'},{role:'user',content}], metadata:{task:'ask'}, temperature:0 }) }))
  const u=process.cpuUsage(c); console.log(round, ((u.user+u.system)/n).toFixed(0),'us cpu/req', (n/(performance.now()-t)*1000).toFixed(0),'rps')
}
await router.close()
