/** Writes sample logs of failed jobs: `node make-logs.mjs <folder> [--count 200]`. The same count gives the same logs. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { count: { type: 'string', default: '200' } },
})
const [folder] = positionals
const count = Number(values.count)
if (folder === undefined || !Number.isInteger(count) || count < 1) {
  console.error('usage: node make-logs.mjs <folder> [--count 200]')
  process.exit(2)
}

const MODULES = ['cart', 'billing', 'search', 'mail', 'auth']
const PACKAGES = ['left-pad', 'tiny-dates', 'ora-lite', 'fast-csv-reader']
const TYPES = ['string', 'number', 'Invoice', 'Customer']

/** Each kind of failure as it looks in a log; `n` makes two of a kind differ. */
const FAILURES = [
  (n) => `> tsc --noEmit
src/${of(MODULES, n)}/total.ts(${n + 3},${(n % 20) + 1}): error TS2345: Argument of type '${of(TYPES, n)}' is not assignable to parameter of type 'Date'.
Found 1 error in src/${of(MODULES, n)}/total.ts:${n + 3}
error Command failed with exit code 2.`,
  (n) => `vite v7.1.2 building for production...
${40 + n} modules transformed.
error during build: [vite]: Rollup failed to resolve import "./${of(MODULES, n)}.css" from "src/main.ts".`,
  (n) => ` FAIL  test/${of(MODULES, n)}.test.ts > adds up an order
AssertionError: expected ${n} to be ${n + 1}
 Test Files  1 failed | ${n % 30} passed
      Tests  1 failed | ${n} passed`,
  (n) => `============ FAILURES ============
def test_${of(MODULES, n)}_total():
>       assert total(order) == ${n}
E       assert ${n + 2} == ${n}
1 failed, ${n} passed in 3.${n % 10}s`,
  (n) => `npm error code ERESOLVE
npm error ERESOLVE unable to resolve dependency tree
npm error Found: ${of(PACKAGES, n)}@${n % 9}.0.0
npm error Could not resolve dependency: peer ${of(PACKAGES, n)}@"^${(n % 9) + 1}.0.0"`,
  (n) => `ERROR: Could not find a version that satisfies the requirement ${of(PACKAGES, n)}==${n}.1
ERROR: No matching distribution found for ${of(PACKAGES, n)}==${n}.1`,
  (n) => `npm error code E401
npm error Incorrect or missing password for the registry of team ${of(MODULES, n)}
npm error 401 Unauthorized - GET /@${of(MODULES, n)}/core`,
]

mkdirSync(folder, { recursive: true })
for (let n = 0; n < count; n += 1)
  writeFileSync(join(folder, `job-${String(n).padStart(4, '0')}.log`), `${of(FAILURES, n)(n)}\n`)
console.log(`${count} logs in ${folder}`)

function of(list, n) {
  return list[n % list.length]
}
