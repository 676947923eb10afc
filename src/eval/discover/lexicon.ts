/**
 * Words by which instructions say what they want, in the languages that applications are written in. They are the common words of
 * each language for the act, and no word of any one application.
 */

/** What a cue speaks for. */
export type Cue =
  | 'classify'
  | 'one'
  | 'score'
  | 'rank'
  | 'extract'
  | 'copy'
  | 'question'
  | 'solve'
  | 'passage'
  | 'write'
  | 'number'
  | 'code'
  | 'codeOnly'
  | 'alike'

/** Not a letter before: stems may go on, words may not begin inside of others. */
const stems = (list: string): RegExp =>
  new RegExp(`(?<![\\p{L}\\p{N}_])(?:${list.trim().replace(/\s*\n\s*/g, '|')})`, 'giu')
/** Chinese and Japanese have no spaces, so their words stand anywhere. */
const anywhere = (latin: string, other: string): RegExp => new RegExp(`${stems(latin).source}|${other}`, 'giu')

const NOUN_OF_CODE =
  '(?:code|function|method|class|component|unit tests?|tests?|test (?:file|case|suite)s?|spec file|sql|query|queries|regex|regexp|regular expression|script|snippet|program|implementation|one-liner|command|dockerfile|migration|html|css|jsx|typescript|javascript|python|bash|shell|rust|golang|java|kotlin|terraform|yaml|cron expression|Code|Funktion|Abfrage|Skript|Testdatei|Befehl|fonction|requête|commande|función|consulta|script|funzione|codice|código|functie|запрос|код|функци\\p{L}*|скрипт)'
const MAKING =
  '(?:write|generate|produce|implement|create|complete|translate|convert|port|turn|refactor|rewrite|fix|output|return|emit|give|schreib\\p{L}*|erzeug\\p{L}*|erstell\\p{L}*|implementier\\p{L}*|generier\\p{L}*|wandle|écri\\p{L}*|génèr\\p{L}*|génér\\p{L}*|escrib\\p{L}*|gener\\p{L}*|implement\\p{L}*|scriv\\p{L}*|schrijf|напиши\\p{L}*|сгенерируй\\p{L}*)'

export const CUES: Readonly<Record<Cue, RegExp>> = {
  classify: anywhere(
    `classif|categori[sz]|categor(?:y|ies|ie|ia|ía)|catégori|kategori|klassifi[zc]|einordn|einstuf|zuordn|zuzuordnen|clasific|clasifiqu|categoría
    label(?:s|led|ling)?(?!\\p{L})|tag (?:it|each|the|every|this)|triage|assign|route (?:it|the|each|every|this|incoming|messages|tickets)|bucket
    (?:detect|identify|determine|name|decide|recogni[sz]e) (?:\\p{L}+ ){0,3}(?:intent|language|sentiment|topic|category|type|class|priority|severity|emotion|tone)
    ordne|sortier\\p{L}* (?:\\p{L}+ ){0,6}(?:in|nach) |weise (?:\\p{L}+ ){1,6}zu|wähle|attribue|range (?:le|la|les|chaque)|classe (?:le|la|les|chaque)|choisis|asigna|etiquet|elige|assegna|scegli|indel|deel (?:\\p{L}+ ){1,5}in|kies|toewijz
    sort (?:\\p{L}+ ){0,5}(?:into|to) |pick (?:the|one|exactly)|choose (?:the|one|exactly)|select (?:the|one|exactly)|atribui|escolh|sentiment|stimmung|intent|absicht
    классифи|категори|отнес|определи|przypisz|sklasyfikuj|przyporządkuj|zařaď|sınıfland|kategoris`,
    '分类|归类|类别|标签|分類|カテゴリ|ラベル|분류',
  ),
  one: anywhere(
    `exactly one|one of|one and only one|only one|just one|a single (?:label|word|category|class|tag|token|letter)|single word|one word|one label|either
    genau eine?|eine[rsm]? der|nur eine?|ein(?:em|es|en)? (?:einzig|Wort)|einzig|une seule|un seul|l'une? des|une des|un des|una sola|un solo|una de|uno de|una delle|uno dei|uno tra|una tra|un'unica|exactamente un
    exact één|één van|een van|slechts één|één woord|uma das|um dos|apenas uma|apenas um|один из|одну из|одна из|одну|одним словом|jedną z|jeden z|jednu z|birini|en av|ett av|en af`,
    '一个|其中之一|一つ|1つ|ひとつ|하나',
  ),
  score: anywhere(
    `rate|rating|score|scoring|grade|grading|mark out|on a scale|scale of|scale from|bewerte|Bewertung|benote|Punktzahl|Punkte von|Skala|note (?:la|le|les|de|sur|chaque)|notez|évalu|échelle|puntúa|puntua|calific|evalúa|escala|valuta|punteggio|scala da
    beoordeel|cijfer|schaal|avali|pontu|nota de|оцен[иі]|оцін|оценк|балл|шкал|oceń|ocena|skali|betygsätt|bedöm|skala|puanla|how (?:similar|likely|relevant|urgent|severe|toxic|positive|confident|well|good|close)
    wie (?:ähnlich|dringend|wahrscheinlich|relevant|gut)|similarity|Ähnlichkeit|similarité|similitud|urgency from|severity from`,
    '评分|打分|评价|採点|スコア|評価|점수',
  ),
  rank: anywhere(
    `rank(?:ed|ing)?(?!\\p{L})|re-?rank|order (?:the|these|them|all|by|from)|sort (?:the |these |them |all |candidates |documents |results )?(?:\\p{L}+ )?(?:by|from|in (?:ascending|descending|order))|(?:most|best|least) \\p{L}+ first|best first|best to worst|most to least
    Rangfolge|Reihenfolge|Rangliste|sortier\\p{L}* (?:\\p{L}+ ){0,6}nach (?:Relevanz|Wichtigkeit|Dringlichkeit|Eignung)|classe[rz]? (?:\\p{L}+ ){0,5}(?:par ordre|du plus|de la plus)|par ordre de|trie[rz]? (?:\\p{L}+ ){0,4}par|orden[ae]|orden de|ordin[ai]|in ordine|d[ao] melhor para|d[ea]l? mejor a|rangschik|volgorde|più al meno|de mayor a menor|del más|du plus|des plus|van meest|упорядоч|ранжир|отсортир|uszereguj|posortuj`,
    '排序|排名|並べ替え|順位',
  ),
  extract: anywhere(
    `extract|pull out|pick out|identify (?:all|every|each)|find (?:all|every|the (?:names|dates|amounts))|list (?:all|every|the) (?:\\p{L}+ ){0,3}(?:mentioned|that appear|in the (?:text|sentence|document))|entit(?:y|ies)|parse (?:the|this|each|every|an?|incoming)|fill (?:in )?(?:the|these) fields|read (?:out )?(?:the )?(?:\\p{L}+ ){0,3}(?:from the|off the)
    extrahier|entnimm|lies (?:\\p{L}+ ){0,6}aus|heraus(?:les|such|zieh)|auslesen|Entität|extrai|extrae|extraig|relève[rz]?|repère[rz]?|estra[ie]|estrapol|individua|haal (?:\\p{L}+ ){0,6}uit|извлек|выдел|найди все|wyodrębnij|wyciągnij|vytáhni|hitta alla|çıkar`,
    '抽出|提取|抽取|取り出|추출',
  ),
  copy: anywhere(
    `copied|copy (?:it |them |the )?(?:exact|from|verbatim|word)|verbatim|word for word|exact (?:span|phrase|words?|quote|wording|substring|text)|exactly as (?:it|they|written|in)|as (?:it|they) (?:stand|appear|is written|are written)|shortest (?:phrase|span|passage|quote)|quote the|span
    wörtlich|wortwörtlich|exakt(?:e[rsn]?)? (?:Textstelle|Wortlaut|Passage)|Textstelle|unverändert|mot pour mot|textuellement|extrait exact|passage exact|recopi|palabra por palabra|textualmente|fragmento exacto|literal|testualmente|parola per parola|letterlijk|letteralmente|palavra por palavra|дословно|точн(?:ую|ый) (?:цитат|фрагмент)|dosłownie|ordagrant`,
    '原文|そのまま|抜き出|逐字|照抄',
  ),
  question: anywhere(
    `answer (?:the|this|their|these|each|every|any|a|user|customer|questions?|only from|in|with|=|:)|answers? questions?|question:|quiz|trivia|facts?(?!\\p{L})|FAQ|beantworte|Frage[n:]?(?!\\p{L})|antworte auf|répond[sez]* (?:à|aux)|question ?:|responde (?:a |la |las )?(?:\\p{L}+ )?pregunta|contesta|pregunta|rispond|domanda|beantwoord|vraag|pergunta|ответь|отвечай на|вопрос|odpowiedz na|pytani|odpověz|svara på|fråg|soruy`,
    '回答|答え|質問|问题|質疑|질문',
  ),
  solve: anywhere(
    `solve|calculat|comput(?:e|ing)|work (?:it |this |through|out)|step[- ]by[- ]step|numbered steps|show your (?:work|reasoning|steps)|math|arithmetic|equation|word problem|final answer|convert (?:the |between |units|\\d)|how (?:many|much)|puzzle|riddle|reason through
    löse|berechn|rechne|Schritt für Schritt|Rechenweg|Textaufgabe|Endergebnis|résou|calcul|étape par étape|résultat final|problème|resuelv|calcula|paso a paso|resultado final|problema|risolv|passo (?:dopo|a) passo|risultato finale|stap voor stap|bereken|реши|вычисли|посчитай|шаг за шагом|rozwiąż|oblicz|krok po kroku`,
    '计算|解题|求解|計算|解い|ステップ|一步一步',
  ),
  passage: anywhere(
    `(?:only|solely|just|strictly) (?:use |on |from |the |information |what )*(?:the |this |these |provided |given |following )*(?:page|passage|context|text|document|article|excerpt|sources?|manual|contract|snippet|material|transcript)|(?:from|based on|using|according to|in) (?:the |this )?(?:provided|given|following|attached|supplied|retrieved) (?:page|passage|context|text|document|article|excerpt|sources?|manual|contract|policy|snippets?|transcript)|(?:from|in|by) (?:one |the |this )(?:page|passage|context|article|excerpt|contract|manual)|if (?:the|it|this) (?:\\p{L}+ )?(?:does not|doesn't|is not|isn't|cannot|do not)(?: \\p{L}+)* (?:answer|contain|say|state|mention|found|there)|not (?:in|found in) the (?:text|context|document|passage|page)
    (?:nur|ausschließlich) (?:mit |aus |anhand |auf )*(?:dem |der |des |den |die |das )?(?:folgenden |gegebenen )?(?:Text|Seite|Abschnitt|Dokument|Kontext|Auszug|Vertrag)|(?:anhand|auf Grundlage|aus) (?:des|dem|der) (?:\\p{L}+ )?(?:Text|Abschnitt|Kontext|Dokument|Auszug|Vertrag)
    (?:uniquement|seulement|exclusivement) (?:\\p{L}+ ){0,4}(?:texte|passage|document|contexte|extrait|contrat)|(?:solo|únicamente|exclusivamente) (?:\\p{L}+ ){0,4}(?:texto|pasaje|documento|contexto|fragmento|contrato)|(?:solo|solamente|esclusivamente) (?:\\p{L}+ ){0,4}(?:testo|brano|documento|contesto|contratto)|(?:alleen|uitsluitend) (?:\\p{L}+ ){0,4}(?:tekst|passage|document|context)|только (?:\\p{L}+ ){0,4}(?:текст|отрыв|документ|контекст)\\p{L}*`,
    '根据(?:以下|下面|给定)|文中|本文|以下の(?:文|テキスト|文書)',
  ),
  write: anywhere(
    `write|draft|compose|summar|tl;?dr|rewrit|rephras|paraphras|translat|polish|proofread|correct the (?:grammar|spelling)|headline|title|subject line|caption|description|slogan|tweet|blog|newsletter|e-?mail|letter|(?:answer|beantworte|answer to) (?:the|this|die|den|diese[nrs]?) (?:e-?mail|letter|message|review|Nachricht|Brief|Anfrage)|reply (?:to the|to this|to customers?|politely|as)|respond to (?:the )?(?:customer|review|user)|explain|describe|commit message|changelog|release notes?|bullet points|shorten|simplif|improve|expand|comment on|feedback|review (?:the |this |these )?(?:pull|code|text|essay|draft)|reviews? pull|critique|point out|suggest|advise|outline|brainstorm|ideas for|talk to|chat with
    schreib|verfass|fass[et]? (?:\\p{L}+ ){0,8}zusammen|zusammenfass|Zusammenfassung|übersetz|formulier|umformulier|Überschrift|Betreffzeile|Antwortentwurf|entwirf|erkläre|beschreib|kürze|rédige|écri[st]|résum|tradui|reformul|titre|explique|décri|redact|escrib|resum|traduc|traduzc|reescrib|título|explica|describ|scriv|riassum|traduc|traduci|riformul|titolo|spiega|descriv|schrijf|vat (?:\\p{L}+ ){0,6}samen|samenvat|vertaal|herschrijf|leg uit|escrev|resuma|traduz|reescrev|напиши|перевед|перефраз|сократи|резюм|кратк|объясни|опиши|napisz|przetłumacz|streść|podsumuj|napiš|přelož|shrň|skriv|översätt|sammanfatta|oversæt|yaz|çevir|özetle`,
    '翻译|总结|概括|写|撰写|改写|翻訳|要約|書い|書き|作成|요약|번역|작성',
  ),
  number: anywhere(
    `(?:only |just |bare |plain |single )(?:the |a )?(?:number|integer|digit|figure|score|numeral)|(?:number|integer|digit|figure|score|numeral) (?:only|alone|and nothing)|(?:nur|lediglich) (?:die |eine |mit der |mit einer |als )?(?:Zahl|Ziffer|Note|ganze)|(?:seulement|uniquement|juste) (?:le |un |la |par (?:le|un) )?(?:nombre|chiffre|note|score)|(?:un seul|un) (?:nombre|chiffre)(?: seul)?|(?:solo|únicamente|sólo) (?:el |un |con el |con un )?(?:número|puntaje|dígito)|(?:solo|soltanto) (?:il |un |con il )?(?:numero|punteggio|voto)|alleen (?:het |een )?(?:getal|cijfer)|(?:apenas|só) (?:o |um )?número|(?:только|тільки|лише) (?:число|цифр|оценк)\\p{L}*|tylko (?:liczb|cyfr)\\p{L}*`,
    '数字のみ|数値のみ|数字だけ|只(?:输出|回答|返回)(?:一个)?数字',
  ),
  code: new RegExp(
    `(?<![\\p{L}])${MAKING}(?:[\\s,]+[\\p{L}\\p{N}'#+.-]+){0,6}?[\\s,]+${NOUN_OF_CODE}(?![\\p{L}-])`,
    'giu',
  ),
  codeOnly:
    /fenced|code block|code fence|Codeblock|bloc de code|bloque de código|blocco di codice|блок кода|代码块|コードブロック|(?:only|nothing but|just) (?:the |a |valid )?(?:code|sql|query|regex|regular expression|script|command|function|diff|patch)(?! review)|(?:code|sql|query|regex|script|command) only|(?:nur|ausschließlich) (?:den |das |die |der )?(?:Code|SQL|Abfrage|Befehl|Skript|regulären Ausdruck)|(?:uniquement|seulement) (?:le |la )?(?:code|requête|SQL|commande)|(?:solo|únicamente|sólo) (?:el |la |il |lo )?(?:código|consulta|codice|SQL|query|comando)|no markdown fences|without (?:markdown )?fences/giu,
  alike: anywhere(
    `similar|same meaning|paraphrases?|duplicate|ähnlich|gleiche Bedeutung|similaire|similitud|simil|gelijk|похож`,
    '相似|類似',
  ),
}

/** @returns how many different wordings of a cue stand in the text */
export function countCue(cue: Cue, text: string): number {
  return new Set([...text.matchAll(CUES[cue])].map(([found]) => found.toLowerCase())).size
}

/** Pairs that mean yes and no. */
const PAIRS: readonly (readonly [yes: string, no: string])[] = [
  ['yes', 'no'],
  ['true', 'false'],
  ['ja', 'nein'],
  ['wahr', 'falsch'],
  ['oui', 'non'],
  ['vrai', 'faux'],
  ['sí', 'no'],
  ['si', 'no'],
  ['sì', 'no'],
  ['verdadero', 'falso'],
  ['vero', 'falso'],
  ['sim', 'não'],
  ['ja', 'nee'],
  ['ja', 'nej'],
  ['waar', 'onwaar'],
  ['да', 'нет'],
  ['так', 'ні'],
  ['tak', 'nie'],
  ['ano', 'ne'],
  ['evet', 'hayır'],
  ['はい', 'いいえ'],
  ['是', '否'],
  ['是', '不是'],
  ['예', '아니오'],
  ['y', 'n'],
  ['1', '0'],
  ['pass', 'fail'],
]

/** Which of two answers means yes; null when they are no such pair. */
export function yesAndNo(labels: readonly string[]): { readonly yes: string; readonly no: string } | null {
  if (labels.length !== 2) return null
  const folded = labels.map((label) =>
    label
      .toLowerCase()
      .replace(/[.!"']/g, '')
      .trim(),
  )
  for (const [yes, no] of PAIRS) {
    const at = folded.indexOf(yes)
    if (at >= 0 && folded[1 - at] === no) return { yes: labels[at] ?? '', no: labels[1 - at] ?? '' }
  }
  return null
}

const BETWEEN =
  '(?:\\s*[,/|、，]?\\s*(?:or|oder|ou|o|u|of|eller|lub|albo|nebo|veya|или|або|または|或者|或|and|und|et|y|e)?\\s*["\'`“”„«»‘’「」]?)'

/** The first yes-no pair that a text puts beside each other: "yes or no", "true/false", "mit ja oder nein". */
export function pairIn(text: string): { readonly yes: string; readonly no: string; readonly at: number } | null {
  for (const [yes, no] of PAIRS.filter(([one]) => one.length > 1 || /\p{Script=Han}/u.test(one))) {
    for (const [one, other] of [
      [yes, no],
      [no, yes],
    ] as const) {
      const edge = /^[\p{Script=Han}\p{Script=Hiragana}]/u.test(one)
        ? ['', '']
        : ['(?<![\\p{L}\\p{N}])', '(?![\\p{L}\\p{N}])']
      const gap = `["'\`“”„«»‘’「」]?${BETWEEN}`
      const match = new RegExp(`${edge[0]}(${one})${edge[1]}${gap}${edge[0]}(${other})${edge[1]}`, 'iu').exec(text)
      if (!match) continue
      const [first = '', second = ''] = match.slice(1)
      return { yes: one === yes ? first : second, no: one === yes ? second : first, at: match.index }
    }
  }
  return conditionalPair(text)
}

/** "Return true if it is, otherwise false." */
function conditionalPair(text: string): ReturnType<typeof pairIn> {
  for (const [yes, no] of PAIRS.filter(([one]) => one.length > 1)) {
    const rest = `[^.\\n]{1,160}?(?:otherwise|else|if not|sonst|andernfalls|sinon|altrimenti|contrario|anders|иначе|інакше)[\\s,:]+(?:\\p{L}+\\s+){0,2}?`
    const match = new RegExp(`(?<![\\p{L}])(${yes})(?![\\p{L}])${rest}["'\`]?(${no})(?![\\p{L}])`, 'iu').exec(text)
    if (match) return { yes: match[1] ?? yes, no: match[2] ?? no, at: match.index }
  }
  return null
}

/** Units behind a span of numbers that make it a length and no scale. */
const LENGTH_UNITS =
  /^\s*-?(?:characters?|chars?|words?|sentences?|lines?|paragraphs?|bullets?|bullet points|items?|steps?|minutes?|hours?|days?|weeks?|months?|years?|tokens?|pages?|points? long|tags?|keywords?|Zeichen|Wörter|Wörtern|Sätze|Sätzen|Zeilen|Punkte\b(?! von)|Jahre|Tage|Stichpunkte|mots?|phrases?|lignes?|caractères|ans|jours|palabras|frases|líneas|caracteres|años|parole|frasi|righe|caratteri|anni|woorden|zinnen|regels|jaar|слов|предложени|символ|лет|zdań|słów|字|词|文字|文)/iu
const AGES = /(?:aged?|ages|Alter|âge|edad|età|leeftijd|возраст\p{L}*)\s*(?:of |von |de |from )?$/iu

export interface Scale {
  readonly min: number
  readonly max: number
}

/** A span of numbers that is a scale to give points on: "0-5", "from 1 to 10", "von 1 bis 5", "out of 100". */
export function scaleIn(text: string): Scale | null {
  const span =
    /(?<![\d.,/:-])(-?\d{1,3})(?:\s*\([^()\n]{1,60}\))?\s*(?:-|–|—|\.\.\.?|…|to|bis|à|a|au|al|tot|e|and|und|et|y|do|до|through|から|～|~|到|至)\s*(-?\d{1,3})(?!\d|[,.:]\d|[/-])/giu
  for (const match of text.matchAll(span)) {
    const [min, max] = [Number(match[1]), Number(match[2])]
    const before = text.slice(Math.max(0, match.index - 24), match.index)
    const isLength = LENGTH_UNITS.test(text.slice(match.index + match[0].length)) || AGES.test(before)
    if (!isLength && max > min && (min === 0 || min === 1 || min < 0) && max <= 100) return { min, max }
  }
  const outOf = /(?:out of|sur|auf|von|de|su|van de|из)\s+(5|10|20|100)(?![\d.,%]|\s*(?:%|percent|prozent))/iu.exec(
    text,
  )
  return outOf && countCue('score', text) > 0 ? { min: 0, max: Number(outOf[1]) } : null
}
