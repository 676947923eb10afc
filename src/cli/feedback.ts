/** `spillway feedback`: says whether an earlier local answer was right. */
import { LABEL_SOURCES, type LabelSource } from '../spec/label.ts'
import { meant } from '../spec/suggest.ts'
import { type AddCommand, addCommand, type CliContext } from './context.ts'
import { usage } from './failure.ts'
import { giveLabel } from './give-label.ts'

interface FeedbackFlags {
  readonly correct?: true
  readonly wrong?: true
  readonly value?: string
  readonly source: string
  readonly json?: true
}

export const addFeedback: AddCommand = (program, context) => {
  addCommand(program, 'feedback <requestId>', 'say whether the local answer of an earlier request was right')
    .option('--correct', 'the local answer was right')
    .option('--wrong', 'the local answer was wrong')
    .option('--value <answer>', 'the right answer; compared with the local one')
    .option('--source <source>', `who says so: ${LABEL_SOURCES.join(', ')}`, 'human')
    .action((requestId: string, flags: FeedbackFlags) => feedback(requestId, flags, context))
}

async function feedback(requestId: string, flags: FeedbackFlags, context: CliContext): Promise<void> {
  const { correct, wrong, value, json } = flags
  const source = sourceOf(flags.source)
  if ([correct, wrong, value].filter((said) => said !== undefined).length !== 1)
    throw usage('the feedback says nothing, or two things', 'Give one of --correct, --wrong and --value <answer>.')
  const said = value === undefined ? { isCorrect: correct === true } : { value }
  const label = await giveLabel(requestId, { source, ...said }, context)
  if (json) context.terminal.json({ requestId, ...label })
  else context.terminal.print(`${requestId}: the local answer was ${label.isCorrect ? 'right' : 'wrong'} (${source})`)
}

function sourceOf(text: string): LabelSource {
  const source = LABEL_SOURCES.find((known) => known === text)
  if (!source)
    throw usage(`--source ${text} is not known`, meant(text, LABEL_SOURCES, `Use one of ${LABEL_SOURCES.join(', ')}.`))
  return source
}
