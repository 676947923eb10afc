#!/usr/bin/env node
/**
 * The `spillway` program. This file must parse and run on any Node that knows ES modules, so that an old one gets a
 * sentence instead of a syntax error; everything else is loaded only after the check.
 */
const NEEDED = { major: 22, minor: 19 } // node:sqlite without a flag, and `type` stripping for the engine host.

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)

if (major < NEEDED.major || (major === NEEDED.major && minor < NEEDED.minor)) {
  const message = `Spillway needs Node ${NEEDED.major}.${NEEDED.minor} or newer; this is Node ${process.versions.node}.`
  const fix = 'Install a newer one, or run it with its own: npx -p node@24 -p spillway spillway.'
  say('node_too_old', message, fix)
  process.exitCode = 3
} else {
  start().catch((error: unknown) => {
    // Only a file of the package that is missing or broken comes here: everything else is reported by `runCli`.
    const why = error instanceof Error ? error.message : String(error)
    say('internal', `Spillway cannot start: ${why}.`, 'Install the package again.')
    process.exitCode = 1
  })
}

/** No `await` at the top: what does not know it would stop at the syntax. */
async function start(): Promise<void> {
  // Of two wishes the stricter one holds. Node would follow the other one, and say so on stderr as soon as anything is imported.
  if (process.env.NO_COLOR) delete process.env.FORCE_COLOR
  const { keepCompiledCode } = await import('./compile-cache.ts')
  keepCompiledCode(process.argv.slice(2))
  const { runCli } = await import('./run.ts')
  await runCli(process.argv.slice(2))
}

function say(code: string, message: string, fix: string): void {
  const asJson = process.argv.includes('--json')
  process.stderr.write(asJson ? `${JSON.stringify({ error: { code, message, fix } })}\n` : `${message} ${fix}\n`)
}

export {}
