/** Asks a frontier where a question is long, and at home where it is short. */
export default {
  api: 1,
  kind: 'pattern',
  name: 'by-length',
  version: '1.0.0',
  run: ({ messages }, { ask }) => ask(messages.at(-1).text.length > 40 ? 'frontier' : 'local'),
}
