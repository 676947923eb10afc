/**
 * What the daemon does with an answer, by action. The router chooses who answers; what may be done with the answer is decided here and by
 * a person.
 */
import { appendFileSync, rmSync } from 'node:fs'
import { basename, join } from 'node:path'

export const ACTIONS = {
  triage: (item, answer, folder) => addLine(join(folder, 'triaged.jsonl'), { id: item.id, label: answer }),
  note: (item, answer, folder) => addLine(join(folder, 'notes.jsonl'), { id: item.id, note: answer }),
  remove_file: (item, answer, folder) => {
    if (answer.trim().toLowerCase() === 'yes') rmSync(join(folder, 'work', basename(item.file)), { force: true })
  },
}

export function addLine(file, value) {
  appendFileSync(file, `${JSON.stringify(value)}\n`)
}
