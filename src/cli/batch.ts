/** `spillway batch run`: a file of rows through the router, each once, however often it is broken off. */
import type { BatchFlags } from './batch-options.ts'
import { type AddCommand, addCommand } from './context.ts'

export const addBatch: AddCommand = (program, context) => {
  const batch = program.command('batch').description('many requests from a file, when nobody waits for the single one')
  addCommand(batch, 'run <file>', 'answer every row of a JSON Lines file; run again goes on where it ended')
    .option('--out <file>', 'the answers; failures go beside it (default: FILE with .output.jsonl)')
    .option('--task <name>', 'the task of rows that name none')
    .option('--parallel <n>', 'rows at once (default: twice what the local models run side by side, at least 4)')
    .option('--retry-failed', 'ask rows again that failed, or whose answer was lost')
    .option(
      '--provider-batch',
      'what goes to a frontier with `batch` in the policy goes there together, at the price of a batch',
    )
    .option('--policy <file>', 'the policy file to use')
    .action(async (file: string, flags: BatchFlags) => {
      const { runBatch } = await import('./batch-run.ts')
      await runBatch(file, flags, context)
    })
}
