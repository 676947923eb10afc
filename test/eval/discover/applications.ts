/** Made-up applications whose traffic discovery has to sort: other languages, styles and shapes than those of the shared data. */

import type { MadeUpApplication } from './made-up-traffic.ts'

const pick = <Item>(items: readonly Item[], at: number): Item => items[at % items.length] as Item
const NAMES = [
  'Ada',
  'Bruno',
  'Chiara',
  'Dmitri',
  'Elif',
  'Fatou',
  'Goran',
  'Hana',
  'Ines',
  'Jonas',
  'Kwame',
  'Lena',
  'Mei',
]
const THINGS = ['kettle', 'bicycle', 'router', 'jacket', 'lamp', 'printer', 'sofa', 'phone', 'drill', 'camera', 'tent']
const PLACES = [
  'Lisbon',
  'Graz',
  'Oslo',
  'Turin',
  'Riga',
  'Gent',
  'Porto',
  'Brno',
  'Cork',
  'Malmö',
  'Lyon',
  'Split',
  'Bilbao',
]
const story = (at: number): string =>
  `${pick(NAMES, at)} from ${pick(PLACES, at * 3 + 1)} bought a ${pick(THINGS, at * 5 + 2)} on ${1 + (at % 28)} March and ${pick(['was delighted with it', 'sent it back after a week', 'could not switch it on', 'asked for an invoice', 'wants to change the address', 'never received it'], at * 7)}.`

const chat = (system: string | null, user: string, more: Readonly<Record<string, unknown>> = {}) => ({
  model: 'gpt-4o-mini',
  ...more,
  messages: [...(system === null ? [] : [{ role: 'system', content: system }]), { role: 'user', content: user }],
})

export const APPLICATIONS: readonly MadeUpApplication[] = [
  {
    app: 'fr-tri-courriels',
    kind: 'choice',
    labels: ['facturation', 'livraison', 'retour', 'autre'],
    body: (at) =>
      chat(
        'Tu es l’assistant du service client. Classe chaque courriel dans une seule des catégories suivantes : facturation, livraison, retour, autre. Réponds uniquement par le nom de la catégorie.',
        `Bonjour, ${story(at)} Merci de votre aide.`,
        { max_tokens: 6 },
      ),
  },
  {
    app: 'es-prioridad',
    kind: 'choice',
    labels: ['alta', 'media', 'baja'],
    body: (at) =>
      chat(
        'Lee la incidencia y asigna una prioridad.\n\n- alta: el cliente no puede trabajar\n- media: hay una alternativa\n- baja: duda o mejora\n\nDevuelve solo una de esas palabras.',
        `Incidencia ${1000 + at}\n${story(at)}`,
      ),
  },
  {
    app: 'intent-schema',
    kind: 'choice',
    labels: ['refund', 'exchange', 'repair', 'question'],
    body: (at) =>
      chat('You look after the inbox of a shop. Fill in the form for the message.', story(at), {
        response_format: {
          type: 'json_schema',
          json_schema: {
            name: 'form',
            schema: {
              type: 'object',
              properties: {
                wish: { type: 'string', enum: ['refund', 'exchange', 'repair', 'question'] },
                because: { type: 'string' },
              },
              required: ['wish', 'because'],
              additionalProperties: false,
            },
          },
        },
      }),
  },
  {
    app: 'spam-json',
    kind: 'boolean',
    body: (at) =>
      chat(
        'Decide whether a comment is spam. Reply with JSON only: {"spam": true|false}',
        `Comment by ${pick(NAMES, at)}: ${story(at)}`,
        {
          response_format: { type: 'json_object' },
        },
      ),
  },
  {
    app: 'de-ja-nein',
    kind: 'boolean',
    labels: ['ja', 'nein'],
    body: (at) =>
      chat(
        'Enthält die folgende Nachricht eine Beschwerde? Antworte ausschließlich mit ja oder nein.',
        `${pick(NAMES, at)} schreibt: ${story(at)}`,
        {
          temperature: 0,
        },
      ),
  },
  {
    app: 'nl-beoordeling',
    kind: 'score',
    body: (at) =>
      chat(
        'Beoordeel hoe tevreden de klant is op een schaal van 1 tot 10. Geef alleen het getal.',
        `Klant ${at}: ${story(at)}`,
        {
          max_tokens: 3,
        },
      ),
  },
  {
    app: 'toxicity-user-frame',
    kind: 'score',
    body: (at) =>
      chat(
        null,
        `Rate the toxicity of the comment below from 0 (harmless) to 5 (severe). Output one integer and nothing else.\n\nComment:\n${story(at)}`,
      ),
  },
  {
    app: 'it-pertinenza',
    kind: 'rank',
    body: (at) =>
      chat(
        'Ordina i documenti dal più al meno pertinente rispetto alla domanda. Rispondi con gli identificativi separati da virgole.',
        `Domanda: dove si trova ${pick(PLACES, at)}?\n\n[1] ${story(at)}\n[2] ${story(at + 1)}\n[3] ${story(at + 2)}\n[4] ${story(at + 3)}`,
      ),
  },
  {
    app: 'candidate-ranking',
    kind: 'rank',
    body: (at) =>
      chat(
        'You help recruiters. Given a role and a numbered list of candidates, rank the candidates by fit, best first. Output the numbers as a JSON array.',
        `Role: ${pick(THINGS, at)} designer\n1. ${story(at)}\n2. ${story(at + 4)}\n3. ${story(at + 9)}`,
      ),
  },
  {
    app: 'invoice-fields',
    kind: 'extract',
    body: (at) =>
      chat(
        'Read the invoice and return its data.',
        `INVOICE ${7000 + at}\nTo: ${pick(NAMES, at)}, ${pick(PLACES, at)}\nItem: ${pick(THINGS, at)}\nTotal: ${(at * 37) % 900},90 EUR`,
        {
          response_format: {
            type: 'json_schema',
            json_schema: {
              name: 'invoice',
              schema: {
                type: 'object',
                properties: {
                  number: { type: 'string' },
                  customer: { type: 'string' },
                  item: { type: 'string' },
                  total: { type: 'number' },
                  currency: { type: 'string' },
                },
                required: ['number', 'customer', 'item', 'total', 'currency'],
              },
            },
          },
        },
      ),
  },
  {
    app: 'de-vertrag',
    kind: 'extract',
    body: (at) =>
      chat(
        `Heute ist der ${1 + (at % 27)}.0${1 + (at % 9)}.2026. Du hilfst ${pick(NAMES, at)} beim Prüfen von Verträgen. Zitiere wörtlich die Textstelle, die die Frage beantwortet. Steht nichts dazu im Vertrag, antworte mit: keine Angabe`,
        `Vertrag:\n${story(at)} ${story(at + 5)} Die Kündigungsfrist beträgt ${3 + (at % 6)} Monate.\n\nFrage: Wie lang ist die Kündigungsfrist?`,
      ),
  },
  {
    app: 'pt-nomes',
    kind: 'extract',
    body: (at) =>
      chat(
        null,
        `Extraia todos os nomes de pessoas do texto a seguir, um por linha.\n\nTexto: ${story(at)} ${story(at + 3)}`,
      ),
  },
  {
    app: 'doc-qa',
    kind: 'answer',
    body: (at) =>
      chat(
        `You are the help desk of a city library. Answer the visitor's question in one or two sentences, using only the context. If the context does not contain the answer, say that you do not know.`,
        `Context:\n${story(at)} ${story(at + 2)} The reading room closes at ${7 + (at % 4)} pm.\n\nQuestion: When does the reading room close?`,
      ),
  },
  {
    app: 'maths-fr',
    kind: 'answer',
    body: (at) =>
      chat(
        'Tu es professeur de mathématiques. Résous le problème étape par étape, puis termine par une ligne « Réponse : <nombre> ».',
        `${pick(NAMES, at)} a ${12 + at} pommes et en donne ${at % 7}. Combien lui en reste-t-il ?`,
      ),
  },
  {
    app: 'trivia',
    kind: 'answer',
    body: (at) =>
      chat(
        'Pub quiz helper. Short factual answers, max three words.',
        `Which country is ${pick(PLACES, at)} in, ${pick(NAMES, at)} asks?`,
        { max_tokens: 12 },
      ),
  },
  {
    app: 'summaries',
    kind: 'text',
    body: (at) =>
      chat(
        'Summarise the customer story for the weekly newsletter in two friendly sentences.',
        `${story(at)} ${story(at + 1)} ${story(at + 6)}`,
        {
          stream: true,
        },
      ),
  },
  {
    app: 'translate-generic',
    kind: 'text',
    body: (at) => chat('You are a helpful assistant.', `Translate to Finnish:\n${story(at)}`, { model: 'gpt-4o' }),
  },
  {
    app: 'sql-generic',
    kind: 'code',
    body: (at) =>
      chat(
        'You are a helpful assistant.',
        `Write a SQL query for the schema orders(id, customer, item, city, day). Return only the query.\n\nRequest: all orders of ${pick(THINGS, at)} in ${pick(PLACES, at + 1)}`,
        { model: 'gpt-4o' },
      ),
  },
  {
    app: 'reply-drafts',
    kind: 'text',
    wire: 'anthropic',
    body: (at) => ({
      model: 'claude-sonnet-4-5',
      max_tokens: 400,
      system: `You draft replies to shop reviews for ${pick(['Nordlicht', 'Casa Verde', 'Bo & Co'], at)}. Be warm and brief, thank the customer by name, never promise refunds. Sign as the team.`,
      messages: [{ role: 'user', content: [{ type: 'text', text: `Review (${1 + (at % 5)} stars): ${story(at)}` }] }],
    }),
  },
  {
    app: 'ru-tonalnost',
    kind: 'choice',
    labels: ['позитив', 'негатив', 'нейтрально'],
    body: (at) =>
      chat(
        'Определи тональность отзыва. Ответь одним словом: позитив, негатив или нейтрально.',
        `Отзыв: ${story(at)}`,
        { max_tokens: 5 },
      ),
  },
  {
    app: 'ja-bunrui',
    kind: 'choice',
    body: (at) =>
      chat(
        '次の問い合わせを「請求」「配送」「返品」「その他」のいずれか一つに分類し、ラベルだけを出力してください。',
        `問い合わせ: ${story(at)}`,
        { max_tokens: 8 },
      ),
  },
  {
    app: 'review-function',
    kind: 'code',
    body: (at) =>
      chat(
        'Implement the Python function described by the docstring. Output only the code in one fenced block.',
        `def task_${at}(items: list[str]) -> str:\n    """Return the ${pick(['longest', 'shortest', 'first', 'last'], at)} item that contains ${pick(THINGS, at)}."""`,
        { model: 'gpt-4.1' },
      ),
  },
  {
    app: 'code-review-comments',
    kind: 'text',
    body: (at) =>
      chat(
        'You review pull requests. Point out at most three problems of the diff in plain English, each in one sentence. Do not rewrite the code.',
        `diff --git a/${pick(THINGS, at)}.py b/${pick(THINGS, at)}.py\n@@ -1,2 +1,2 @@\n-limit = ${at}\n+limit = ${at + 7}`,
      ),
  },
  {
    app: 'home-tools',
    kind: 'tools',
    body: (at) =>
      chat(
        null,
        `${pick(['Turn on', 'Switch off', 'Dim'], at)} the lights in the ${pick(['kitchen', 'hall', 'bedroom', 'garage'], at)} please, says ${pick(NAMES, at)}`,
        {
          tools: ['set_light', 'set_heating', 'lock_door'].map((name) => ({
            type: 'function',
            function: {
              name,
              description: `${name} of a room`,
              parameters: { type: 'object', properties: { room: { type: 'string' } } },
            },
          })),
        },
      ),
  },
  {
    app: 'few-shot-topic',
    kind: 'choice',
    labels: ['Garden', 'Kitchen', 'Tools'],
    body: (at) => ({
      model: 'gpt-4o-mini',
      messages: [
        { role: 'system', content: 'shelf helper' },
        { role: 'user', content: 'rake' },
        { role: 'assistant', content: 'Garden' },
        { role: 'user', content: 'whisk' },
        { role: 'assistant', content: 'Kitchen' },
        { role: 'user', content: 'hammer' },
        { role: 'assistant', content: 'Tools' },
        { role: 'user', content: 'watering can' },
        { role: 'assistant', content: 'Garden' },
        { role: 'user', content: 'saucepan' },
        { role: 'assistant', content: 'Kitchen' },
        { role: 'user', content: 'pliers' },
        { role: 'assistant', content: 'Tools' },
        { role: 'user', content: `${pick(NAMES, at)}'s ${pick(THINGS, at)} no. ${at}` },
      ],
    }),
  },
  {
    app: 'recorded-labels',
    kind: 'choice',
    labels: ['amber', 'green', 'red'],
    body: (at) => chat('Traffic light for the duty officer.', story(at)),
    answer: (at) => pick(['green', 'green', 'amber', 'red'], at),
  },
  {
    app: 'recorded-prose',
    kind: 'text',
    body: (at) => chat('You are Pip, the voice of the bakery.', `${pick(NAMES, at)}: hello, ${story(at)}`),
    answer: (at) =>
      `Dear ${pick(NAMES, at)}, thank you so much for telling us. We love to hear from ${pick(PLACES, at)}, and we hope to see you again soon. Warm regards from the whole team.`,
  },
  {
    app: 'severity-json-anthropic',
    kind: 'choice',
    labels: ['low', 'medium', 'high', 'critical'],
    wire: 'anthropic',
    body: (at) => ({
      model: 'claude-3-5-haiku-20241022',
      max_tokens: 60,
      system:
        'You triage alerts. Respond with {"severity": "low|medium|high|critical", "note": "<one short sentence>"}.',
      messages: [{ role: 'user', content: `Alert ${at}: ${story(at)}` }],
    }),
  },
  {
    app: 'pl-tytuly',
    kind: 'text',
    body: (at) =>
      chat('Napisz chwytliwy tytuł do podanego tekstu, najwyżej 60 znaków.', `Tekst: ${story(at)}`, { max_tokens: 30 }),
  },
  {
    app: 'moderation-letters',
    kind: 'choice',
    labels: ['A', 'B', 'C'],
    body: (at) =>
      chat(
        'Moderation desk. Choose the letter that applies to the post:\nA) fine to publish\nB) needs a human look\nC) remove\nOutput only the letter.',
        `Post: ${story(at)}`,
        { max_tokens: 1 },
      ),
  },
]
