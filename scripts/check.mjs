/** Everything a change must pass: `npm run check` = format and lint, types, supply chain, package, tests (documentation included). */
import { binOf, build, fail, pinnedNode, preparePackages, run, timed, writeBill } from './prepare.mjs'

try {
  await timed('packages', preparePackages)
  await timed('format and lint', () => run(pinnedNode(), [binOf('@biomejs/biome', 'biome'), 'check']))
  await timed('types', () => run(pinnedNode(), [binOf('typescript', 'tsc'), '--noEmit', '-p', '.']))
  await timed('types of the console', () =>
    run(pinnedNode(), [binOf('typescript', 'tsc'), '--noEmit', '-p', 'dashboard']),
  )
  await timed('build', build)
  await timed('bill of materials', writeBill)
  await timed('supply chain and package', () => run(pinnedNode(), ['scripts/supply-chain.ts']))
  await timed('exports', () => run(pinnedNode(), [binOf('publint', 'publint'), '--strict', '--pack', 'false']))
  await run(pinnedNode(), ['scripts/test.mjs', 'unit'])
} catch (error) {
  fail(error)
}
