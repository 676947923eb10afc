import { describe, expect, it } from 'vitest'
import { refusal } from '../../src/gates/refusal.ts'
import { gateInput } from './gate-input.ts'

describe('the refusal gate', () => {
  it.each([
    "I'm sorry, but I can't help with that.",
    'I cannot assist with this request.',
    'I’m unable to provide medical advice.',
    'I am not able to answer that question.',
    'Sorry, I cannot do that.',
    'I apologize, but I am unable to process this.',
    'As an AI language model, I do not have feelings.',
    'As an AI, I cannot browse the internet.',
    "I'm just an AI assistant, so take this with care.",
    "I don't have access to your files.",
    'I do not have enough information to say.',
    'Hello! Thank you for asking. I cannot help with that.',
    '"I cannot help with that."',
    'That would be against my guidelines.',
    'Es tut mir leid, aber ich kann dir dabei nicht helfen.',
    'Leider kann ich diese Frage nicht beantworten.',
    'Als KI-Sprachmodell habe ich keine Meinung.',
    'Als KI kann ich das nicht beurteilen.',
    'Ich bin nicht in der Lage, Dateien zu öffnen.',
  ])('rejects %j', (text) => {
    expect(refusal(gateInput({ text }))).toMatchObject({ gate: 'refusal', accepted: false, reason: 'refusal' })
  })

  it.each([
    'The customer was told "I cannot help with that" and is angry.',
    'Der Kunde schreibt: „Ich kann Ihnen nicht helfen“ sei die Antwort gewesen.',
    'The bot replied `I cannot help with that` three times.',
    '> I cannot help with that.\n\nThis reply closed the ticket too early.',
    'The agent says it cannot help with refunds.',
    'I cannot help but admire the design.',
    "I can't help thinking that the cache is stale.",
    'Dear team, I cannot attend the meeting on Friday.',
    'As an AI company, Acme sells models.',
    'As an AI researcher, I read many papers.',
    'The user does not have access to the file.',
    'Unable to resolve dependency tree: run npm install with the legacy flag.',
    'Sorry means regret.',
    'Der Dienst kann die Datei nicht öffnen, weil sie gesperrt ist.',
    'Ich kann bestätigen, dass der Build läuft.',
    '',
  ])('accepts %j', (text) => {
    expect(refusal(gateInput({ text })).accepted).toBe(true)
  })

  it('reads only the opening of an answer', () => {
    const later =
      'The plan has four parts. First we measure. Then we change. Then we measure again. I cannot help with the rest.'
    expect(refusal(gateInput({ text: later })).accepted).toBe(true)
  })

  it('names the form of the refusal and none of its text', () => {
    expect(refusal(gateInput({ text: 'I cannot help with hunter2.' })).detail).toBe(
      'The answer opens with a refusal (cannot help).',
    )
  })
})
