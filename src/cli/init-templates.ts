/** The templates that `init` offers, by use. */
import { TEMPLATES } from './context.ts'

export type InitTemplate = Exclude<(typeof TEMPLATES)[number], 'tour'>

interface TemplateUse {
  readonly use: string
  readonly what: string
  /** Whether any text may leave this machine under it. */
  readonly leaves: boolean
}

export const TEMPLATE_USES: Readonly<Record<InitTemplate, TemplateUse>> = {
  agent: {
    use: 'a coding agent',
    what: 'small repeated questions stay here, code and security go to a frontier',
    leaves: true,
  },
  'log-triage': { use: 'logs of agents and pipelines', what: 'label, retry or not, summary, root cause', leaves: true },
  'support-tickets': { use: 'support tickets', what: 'team, urgency, summary; customer data is masked', leaves: true },
  'document-qa': { use: 'questions about documents', what: 'words of the document, or nothing', leaves: true },
  'private-notes': { use: 'private notes', what: 'nothing leaves this machine', leaves: false },
  developer: { use: "one developer's tools", what: 'ten classes of work, each with its reason', leaves: true },
  roles: {
    use: 'roles of an editor or assistant',
    what: 'autocomplete, edit, chat, each with a fixed tier',
    leaves: true,
  },
}

export const INIT_TEMPLATES = TEMPLATES.filter((name): name is InitTemplate => name !== 'tour')
