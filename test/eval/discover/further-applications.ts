/** A second set of made-up applications: other domains, languages and ways to ask than the first. Written before discovery had seen it. */
import type { MadeUpApplication } from './made-up-traffic.ts'

const pick = <Item>(items: readonly Item[], at: number): Item => items[at % items.length] as Item
const WORDS = [
  'tide',
  'cedar',
  'violin',
  'comet',
  'saffron',
  'glacier',
  'lantern',
  'harbour',
  'meadow',
  'copper',
  'falcon',
]
const CITIES = [
  'Nairobi',
  'Quito',
  'Hanoi',
  'Tartu',
  'Perth',
  'Fez',
  'Leuven',
  'Osaka',
  'Recife',
  'Tromsø',
  'Basel',
  'Accra',
  'Lviv',
]
const PEOPLE = [
  'Amina',
  'Bjorn',
  'Camila',
  'Dewei',
  'Eszter',
  'Farid',
  'Greta',
  'Hugo',
  'Ilse',
  'Jomo',
  'Kaveh',
  'Luz',
  'Mirela',
  'Nils',
]
const note = (at: number): string =>
  `${pick(['After the storm', 'Last Tuesday', 'During the fair', 'Before noon'], at)} ${pick(PEOPLE, at)} saw the ${pick(WORDS, at * 3)} near ${pick(CITIES, at * 5)}; ${pick(['nobody was hurt', 'the ferry was late', 'prices rose by 4 percent', 'the choir sang', 'a window broke'], at * 7)} (${at}).`
const ask = (system: string | null, user: string, more: Readonly<Record<string, unknown>> = {}) => ({
  model: 'gpt-4.1-mini',
  ...more,
  messages: [...(system === null ? [] : [{ role: 'system', content: system }]), { role: 'user', content: user }],
})

export const FURTHER_APPLICATIONS: readonly MadeUpApplication[] = [
  {
    app: 'claims-router',
    kind: 'choice',
    labels: ['motor', 'household', 'travel', 'liability'],
    body: (at) =>
      ask(
        'Insurance mailroom.\nDepartments:\n  * motor\n  * household\n  * travel\n  * liability\nSay which department should get the letter. One word.',
        note(at),
      ),
  },
  {
    app: 'language-id',
    kind: 'choice',
    body: (at) =>
      ask('Identify the language of the text and reply with its ISO 639-1 code only.', note(at), { max_tokens: 2 }),
    answer: (at) => pick(['en', 'de', 'fr', 'en', 'nl'], at),
  },
  {
    app: 'sentiment-xml',
    kind: 'choice',
    labels: ['POSITIVE', 'NEGATIVE', 'MIXED'],
    wire: 'anthropic',
    body: (at) => ({
      model: 'claude-3-haiku-20240307',
      max_tokens: 10,
      messages: [
        {
          role: 'user',
          content: `<instructions>Label the guest comment as POSITIVE, NEGATIVE or MIXED. Output the label alone.</instructions>\n<comment>${note(at)}</comment>`,
        },
      ],
    }),
  },
  {
    app: 'sv-kategori',
    kind: 'choice',
    labels: ['Skola', 'Vård', 'Trafik', 'Övrigt'],
    body: (at) =>
      ask(
        'Du sorterar medborgarförslag. Välj exakt en kategori: Skola, Vård, Trafik, Övrigt. Svara bara med kategorin.',
        note(at),
        { max_tokens: 6 },
      ),
  },
  {
    app: 'eligibility',
    kind: 'boolean',
    body: (at) =>
      ask('Does the applicant mention a criminal record? Answer strictly YES or NO.', `Application ${at}: ${note(at)}`),
  },
  {
    app: 'same-person-schema',
    kind: 'boolean',
    body: (at) =>
      ask(
        'Compare the two records.',
        `Record A: ${pick(PEOPLE, at)}, ${pick(CITIES, at)}\nRecord B: ${pick(PEOPLE, at + 1)}, ${pick(CITIES, at)}`,
        {
          response_format: {
            type: 'json_schema',
            json_schema: {
              name: 'match',
              schema: { type: 'object', properties: { same_person: { type: 'boolean' } }, required: ['same_person'] },
            },
          },
        },
      ),
  },
  {
    app: 'es-si-no',
    kind: 'boolean',
    body: (at) =>
      ask(
        null,
        `¿El siguiente mensaje pide hablar con una persona? Responde solo "sí" o "no".\n\nMensaje: ${note(at)}`,
      ),
  },
  {
    app: 'essay-grade',
    kind: 'score',
    body: (at) =>
      ask(
        'You grade school essays. Give a mark from 0 to 100 for structure and clarity. Return just the integer.',
        `Essay:\n${note(at)} ${note(at + 3)}`,
      ),
  },
  {
    app: 'fr-note-json',
    kind: 'score',
    body: (at) =>
      ask(
        'Évalue l’urgence de la demande de 1 (faible) à 5 (critique). Réponds au format JSON : {"urgence": <entier>}',
        note(at),
        { response_format: { type: 'json_object' } },
      ),
  },
  {
    app: 'pt-ranking',
    kind: 'rank',
    body: (at) =>
      ask(
        'Ordene as respostas da melhor para a pior e devolva apenas as letras, separadas por vírgula.',
        `Pergunta: o que houve?\nA. ${note(at)}\nB. ${note(at + 1)}\nC. ${note(at + 2)}`,
      ),
  },
  {
    app: 'passage-rerank',
    kind: 'rank',
    body: (at) =>
      ask(
        null,
        `I will give you passages, each with an identifier in brackets. Rank them by relevance to the search query. Output identifiers in descending order, like [2] > [1].\n\n[1] ${note(at)}\n[2] ${note(at + 2)}\n[3] ${note(at + 5)}\n\nSearch query: ${pick(WORDS, at)}`,
      ),
  },
  {
    app: 'cv-parser',
    kind: 'extract',
    body: (at) =>
      ask(
        'Parse the CV into JSON with the fields name, city, employers (list) and years_of_experience. Use null when a field is missing.',
        `${pick(PEOPLE, at)}\n${pick(CITIES, at)}\n${note(at)}`,
        { response_format: { type: 'json_object' } },
      ),
  },
  {
    app: 'ja-chushutsu',
    kind: 'extract',
    body: (at) => ask('次の文章から地名をすべて抽出し、原文のまま一行に一つずつ出力してください。', note(at)),
  },
  {
    app: 'quote-finder',
    kind: 'extract',
    body: (at) =>
      ask(
        'Find the sentence of the report that supports the claim and copy it verbatim. If there is none, write NONE.',
        `Report: ${note(at)} ${note(at + 4)}\nClaim: somebody saw the ${pick(WORDS, at)}.`,
      ),
  },
  {
    app: 'recorded-spans',
    kind: 'extract',
    body: (at) => ask('who', note(at)),
    answer: (at) => pick(PEOPLE, at),
  },
  {
    app: 'rag-nl',
    kind: 'answer',
    body: (at) =>
      ask(
        `Je bent de helpdesk van een museum. Gebruik alleen de onderstaande context en beantwoord de vraag kort.\n\nContext:\n${note(at)} ${note(at + 2)} ${note(at + 9)}`,
        `Wat gebeurde er in ${pick(CITIES, at)}?`,
      ),
  },
  {
    app: 'physics-tutor',
    kind: 'answer',
    body: (at) =>
      ask(
        null,
        `Solve the exercise. Show your reasoning and put the final result in \\boxed{}.\n\nExercise: A ${pick(WORDS, at)} moves ${at + 2} metres in ${1 + (at % 5)} seconds. What is its mean speed?`,
      ),
  },
  {
    app: 'faq-bot',
    kind: 'answer',
    body: (at) =>
      ask(
        'You answer questions of travellers about trains in Estonia. Two sentences at most.',
        `Can I take my ${pick(WORDS, at)} on the train to ${pick(CITIES, at)}?`,
      ),
  },
  {
    app: 'meeting-minutes',
    kind: 'text',
    body: (at) =>
      ask(
        'Turn the transcript into minutes with the headings Decisions, Open points and Next steps.',
        `${note(at)} ${note(at + 1)} ${note(at + 2)}`,
        { max_tokens: 500 },
      ),
  },
  {
    app: 'de-uebersetzung',
    kind: 'text',
    body: (at) =>
      ask(null, `Übersetze den folgenden Text ins Dänische und antworte nur mit der Übersetzung.\n\n${note(at)}`),
  },
  {
    app: 'product-copy-schema',
    kind: 'text',
    body: (at) =>
      ask('Write shop copy for the product.', `${pick(WORDS, at)} of ${pick(CITIES, at)}, ${at} pieces left`, {
        response_format: {
          type: 'json_schema',
          json_schema: {
            name: 'copy',
            schema: { type: 'object', properties: { copy: { type: 'string' } }, required: ['copy'] },
          },
        },
      }),
  },
  {
    app: 'tone-rewrite',
    kind: 'text',
    body: (at) =>
      ask(
        `Rewrite the message so that it sounds polite. Keep names and numbers. User: ${pick(PEOPLE, at)}. Date: 2026-0${1 + (at % 9)}-1${at % 9}.`,
        note(at),
        { stream: true },
      ),
  },
  {
    app: 'chatty-persona',
    kind: 'text',
    body: (at) =>
      ask(
        'You are Captain Brine, a grumpy lighthouse keeper in a game. Stay in character and keep it under 80 words.',
        `Hello there, ${note(at)}`,
      ),
  },
  {
    app: 'regex-maker',
    kind: 'code',
    body: (at) =>
      ask(
        'Produce a regular expression (PCRE) for what the user describes. Nothing but the regex.',
        `words that start with ${pick(WORDS, at).slice(0, 2)} and end in ${at}`,
      ),
  },
  {
    app: 'es-funciones',
    kind: 'code',
    body: (at) =>
      ask(
        'Eres programador. Escribe la función en TypeScript que se pide y devuelve solo un bloque de código.',
        `Función que cuenta cuántas veces aparece ${pick(WORDS, at)} en un texto`,
      ),
  },
  {
    app: 'recorded-fences',
    kind: 'code',
    body: (at) => ask('Terraform desk', `bucket called ${pick(WORDS, at)}-${at}`),
    answer: (at) => `\`\`\`hcl\nresource "aws_s3_bucket" "b" {\n  bucket = "${pick(WORDS, at)}-${at}"\n}\n\`\`\``,
  },
  {
    app: 'booking-agent',
    kind: 'tools',
    wire: 'anthropic',
    body: (at) => ({
      model: 'claude-sonnet-4-5',
      max_tokens: 300,
      system: 'You book rooms. Ask for what is missing.',
      messages: [{ role: 'user', content: `A room in ${pick(CITIES, at)} for ${pick(PEOPLE, at)}` }],
      tools: [
        {
          name: 'find_room',
          description: 'Find a free room',
          input_schema: { type: 'object', properties: { city: { type: 'string' } } },
        },
        {
          name: 'book_room',
          description: 'Book a room',
          input_schema: { type: 'object', properties: { id: { type: 'string' } } },
        },
      ],
    }),
  },
  {
    app: 'topic-enum-array',
    kind: 'choice',
    labels: ['nature', 'music', 'trade'],
    body: (at) => ask('Pick the topic. Format: {"topic": "nature" | "music" | "trade"}', note(at)),
  },
]
