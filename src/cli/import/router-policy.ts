/** `router-policy.yaml`: models with endpoints, and tasks with labels that are answered locally or not. */
import type { Account, Path } from './account.ts'
import { type ImportedModel, openModels } from './models.ts'
import type { Section, Shape } from './shape.ts'
import { isTaskName, slotsOf } from './tasks.ts'
import { type Fields, fieldsOf, isFields, listOf, nameOf, numberOf, textOf } from './values.ts'

const LOCAL = 'local_default'
const FRONTIER = 'frontier_default'

export const routerPolicy: Shape = {
  name: 'router-policy',
  title: 'router-policy.yaml',
  fits: (source) => isFields(source.models) && isFields(source.tasks),
  draft(source, account) {
    const models = openModels(account)
    const byName = new Map<string, ImportedModel>()
    for (const [name, entry] of Object.entries(fieldsOf(source.models))) {
      const at: Path = ['models', name]
      const fields = fieldsOf(entry)
      const model = nameOf(fields.name)
      if (model === null) {
        account.dropped(at, { why: 'it has no name', fix: 'Write name: with the id of the model at its provider.' })
        continue
      }
      const provider = textOf(fields.provider) ?? 'openai'
      const added = models.add({
        at,
        name,
        provider,
        model,
        address: fields.endpoint === undefined ? null : { at: [...at, 'endpoint'], value: fields.endpoint },
        key: fields.api_key === undefined ? null : { at: [...at, 'api_key'], value: fields.api_key },
      })
      if (!added) continue
      account.carried([...at, 'name'], `models.${added.name}.model`)
      if (fields.provider !== undefined) account.carried([...at, 'provider'], `models.${added.name}.provider`)
      byName.set(name, added)
    }
    const tasks = new Map<string, Section>()
    for (const [name, entry] of Object.entries(fieldsOf(source.tasks))) {
      const section = taskOf({ name, entry }, byName, account)
      if (section) tasks.set(name, section)
    }
    const [first] = tasks.keys()
    return { models: models.sections, tasks, rest: first === undefined ? {} : { defaults: { task: first } } }
  },
}

interface Named {
  readonly name: string
  readonly entry: unknown
}

function taskOf({ name, entry }: Named, models: ReadonlyMap<string, ImportedModel>, account: Account): Section | null {
  const at: Path = ['tasks', name]
  if (!isTaskName(name) || !isFields(entry)) {
    account.dropped(at, { why: 'it is no task', fix: 'Write a name, and below it local, labels and so on.' })
    return null
  }
  const all = [...models.values()]
  const local = models.get(LOCAL) ?? all.find(({ isLocal }) => isLocal)
  const frontier = models.get(FRONTIER) ?? all.find(({ isLocal }) => !isLocal)
  const wanted = entry.local === false ? [frontier] : [local, frontier]
  const used = wanted.filter((model) => model !== undefined)
  const section = slotsOf(used, answerKeys(entry, at, { used, account }))
  if (!section) {
    account.dropped(at, { why: 'no model of it could be carried', fix: `Name ${LOCAL} and ${FRONTIER} under models.` })
    return null
  }
  if (entry.local !== undefined)
    account.carried([...at, 'local'], `tasks.${name}.${entry.local === false ? 'local: false' : 'local'}`)
  return section
}

interface Answering {
  readonly used: readonly ImportedModel[]
  readonly account: Account
}

const MOST_LABELS = 64

function answerKeys(entry: Fields, at: Path, { used, account }: Answering): Fields {
  const task = `tasks.${String(at.at(-1))}`
  const labels = [
    ...new Set(
      listOf(entry.labels)
        .map(nameOf)
        .filter((label) => label !== null),
    ),
  ]
  const isChoice = labels.length >= 2 && labels.length <= MOST_LABELS
  const escalate = listOf(entry.escalate_labels)
    .map(nameOf)
    .filter((label) => label !== null && labels.includes(label))
  const confidence = numberOf(entry.min_confidence, { from: 0, to: 1 })
  const chars = numberOf(entry.max_input_chars, { from: 1, to: 1_000_000_000 })
  // A frontier that answers alone is not judged, so thresholds say nothing there.
  const isJudged = used.some(({ isLocal }) => isLocal)
  const hasChars = chars !== null && Number.isInteger(chars)
  if (isChoice) account.carried([...at, 'labels'], `${task}.labels`)
  if (isChoice && escalate.length > 0) account.carried([...at, 'escalate_labels'], `${task}.escalateLabels`)
  if (confidence !== null && isJudged) account.carried([...at, 'min_confidence'], `${task}.minConfidence`)
  if (confidence !== null && !isJudged)
    account.dropped([...at, 'min_confidence'], {
      why: 'a frontier that answers alone is not judged',
      fix: 'Nothing to do.',
    })
  if (hasChars) account.carried([...at, 'max_input_chars'], `${task}.maxInputChars`)
  return {
    ...(isChoice && { kind: 'choice', labels }),
    ...(isChoice && escalate.length > 0 && { escalateLabels: escalate }),
    ...(confidence !== null && isJudged && { minConfidence: confidence }),
    ...(hasChars && { maxInputChars: chars }),
  }
}
