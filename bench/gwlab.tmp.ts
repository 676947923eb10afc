import { startBeside, startServe, limitedKey } from './gateway/processes.ts'
import { mkdtempSync, readdirSync, readFileSync } from 'node:fs'
const folder = mkdtempSync('/tmp/gwlab-')
const upstream = await startBeside('measuring','upstream.ts')
const load = await startBeside('measuring','load.ts')
const flags = (process.argv[2]??'').split(' ').filter(Boolean)
const gw = await startServe({ folder, upstreamPort: upstream.port, nodeFlags: flags })
await upstream.ask({delayMs:0,gapMs:0,chunks:20})
const stream = process.argv[3]==='stream'
const threads=()=>Object.fromEntries(readdirSync(`/proc/${gw.child.pid}/task`).map(t=>{const s=readFileSync(`/proc/${gw.child.pid}/task/${t}/stat`,'latin1'); const name=s.slice(s.indexOf('(')+1,s.lastIndexOf(')')); const f=s.slice(s.lastIndexOf(')')+2).split(' '); return [t+' '+name,[Number(f[11]),Number(f[12])]]}))
const key=limitedKey(folder)
for (let i=0;i<Number(process.argv[4]??8);i++){
  const b = await gw.usage(); const tb=threads()
  const r = await load.ask({ port: gw.port, key, stream, secret:false, connections: 64, durationMs: 2000, requests: 1e9, delayMs:0 }) as any
  const a = await gw.usage(); const ta=threads()
  console.log(i, (r.requests/r.seconds).toFixed(0),'rps', ((a.cpuS-b.cpuS)*1e6/r.requests).toFixed(0),'us/req', 'bad', r.bad, 'rss', a.rssMiB.toFixed(0), Object.entries(ta).map(([k,v])=>{const o=(tb as any)[k]??[0,0]; return k.split(' ')[1]+':'+((v as any)[0]-o[0])+'u/'+((v as any)[1]-o[1])+'s'}).filter(x=>!x.endsWith(':0u/0s')).join(' '))
}
for (const p of [gw,load,upstream]) await p.stop()
