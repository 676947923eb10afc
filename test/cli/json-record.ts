/** What commands print with `--json`, for the page that documents it: kept where SPILLWAY_RECORD_JSON names a folder. */
import { appendFileSync } from 'node:fs'
import { join } from 'node:path'

/** @param args the words after the program's name */
export function recordJson(
  args: readonly string[],
  output: { readonly exitCode: number | null; readonly stdout: string },
): void {
  const folder = process.env.SPILLWAY_RECORD_JSON
  if (folder === undefined || !args.includes('--json') || output.stdout.trim() === '') return
  appendFileSync(join(folder, `${process.pid}.jsonl`), `${JSON.stringify({ args, ...output })}\n`)
}
