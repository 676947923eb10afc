/** What was asked and answered, where debug replay keeps it: shown only on request, with a reason, which is logged first. */
import { useState } from 'preact/hooks'
import type { RequestDetail } from '../../../src/cli/console/requests.ts'
import { post } from '../api.ts'
import { ReasonDialog } from './dialog.tsx'

interface KeptTexts {
  readonly request: {
    readonly messages: readonly {
      readonly role: string
      readonly content: string | readonly { readonly text?: string }[]
    }[]
  }
  readonly answer: { readonly text: string | null } | null
  readonly draft: string | null
}

interface KeptTextProps extends Pick<RequestDetail, 'content'> {
  readonly requestId: string
  readonly preview: string | null
}

export function KeptText({ requestId, content, preview }: KeptTextProps) {
  const [isAsking, setAsking] = useState(false)
  const [texts, setTexts] = useState<KeptTexts | null>(null)
  return (
    <>
      {preview && (
        <p>
          <span class="hint">Preview, secrets masked: </span>
          {preview}
        </p>
      )}
      {content === 'kept' && !texts && (
        <p class="row">
          <button type="button" onClick={() => setAsking(true)}>
            Show the texts
          </button>
          <span class="hint">The log of the audit notes who reads them, and why.</span>
        </p>
      )}
      {content === 'not_kept' && (
        <p class="hint">
          Texts are not kept. <code>audit.content: replay</code> keeps them, encrypted.
        </p>
      )}
      {content === 'not_yours' && <p class="hint">Only the operator may read texts.</p>}
      {texts && <Texts texts={texts} />}
      {isAsking && (
        <ReasonDialog
          title="Read the texts of this request"
          confirm="Read them"
          onClose={() => setAsking(false)}
          onConfirm={async (why) =>
            setTexts(await post<KeptTexts>(`/requests/${encodeURIComponent(requestId)}/text`, { why }))
          }
        >
          <p>Your name and reason are written to the log before the texts are shown.</p>
        </ReasonDialog>
      )}
    </>
  )
}

function Texts({ texts: { request, answer, draft } }: { readonly texts: KeptTexts }) {
  const served = answer?.text ?? null
  return (
    <div class="texts">
      {request.messages.map(({ role, content }, at) => (
        <Said
          key={`${at} ${role}`}
          who={role}
          text={typeof content === 'string' ? content : content.map(({ text }) => text ?? '(no text)').join('\n')}
        />
      ))}
      {draft !== null && draft !== served && <Said who="local draft, not served" text={draft} />}
      <Said who="answer" text={served ?? '(no text)'} />
    </div>
  )
}

function Said({ who, text }: { readonly who: string; readonly text: string }) {
  return (
    <div class="said">
      <p class="hint">{who}</p>
      <pre>{text}</pre>
    </div>
  )
}
