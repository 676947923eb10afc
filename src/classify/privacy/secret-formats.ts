import { fixedStarts } from './literals.ts'

/**
 * Secrets that can be known by their form. Prefixes and lengths are those the issuers document or that their scanners
 * publish; every quantifier is bounded, so each pattern is linear in the text. A group marks the secret when the pattern
 * also holds its surroundings.
 */
export interface SecretFormat {
  readonly name: string
  readonly pattern: RegExp
  readonly where: Where
}

/**
 * Where a match may be, so that most of a text is looked at once for all formats together: it starts with one of the
 * words (the pattern is sticky), it lies around one of them, or it lies in a long run of letters and digits.
 */
export type Where =
  | { readonly kind: 'start'; readonly words: readonly string[] }
  | { readonly kind: 'near'; readonly words: readonly string[]; readonly before: number; readonly after: number }
  | { readonly kind: 'run' }

/** Not inside a longer word: `xsk-…` is no key, `key=sk-…` holds one. */
const START = '(?<![A-Za-z0-9])'
const END = '(?![A-Za-z0-9])'

/** A token with a prefix of its own: the prefix, then at least `min` letters of the set. */
function prefixed(name: string, prefix: string, rest: string): SecretFormat {
  const words = fixedStarts(prefix)
  const source = `${START}(?:${prefix})${rest}`
  if (words.length === 0) return { name, pattern: new RegExp(source, 'g'), where: { kind: 'run' } }
  return { name, pattern: new RegExp(source, 'y'), where: { kind: 'start', words } }
}

function near(name: string, pattern: RegExp, words: readonly string[], before = 0): SecretFormat {
  return { name, pattern, where: { kind: 'near', words, before, after: 2500 } }
}

const WORD = '[A-Za-z0-9_-]'
const ALNUM = '[A-Za-z0-9]'
/** A digit among the first letters: words have none. */
const DRAWN = '(?=[A-Za-z_]{0,40}\\d)'

/** PEM blocks to their end; a block cut off before its end goes on for as long as its letters are base64. */
const PEM =
  /-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----(?:(?:[^-]|-(?!-{4})){0,16000}-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----|[A-Za-z0-9+/=\\\s]{0,16000})/y

export const SECRET_FORMATS: readonly SecretFormat[] = [
  { name: 'private_key', pattern: PEM, where: { kind: 'start', words: ['-----begin '] } },
  prefixed('anthropic', 'sk-ant-(?:api|admin|oat|sid)\\d{2}-', `${WORD}{20,200}`),
  prefixed('openai', 'sk-(?:proj|svcacct|admin|None|or-v1)-', `${WORD}{20,220}`),
  prefixed('openai', 'sk-', `${ALNUM}{20,64}${END}`),
  prefixed('aws_access_key', '(?:A3T[A-Z0-9]|AKIA|ASIA|ABIA|ACCA|AROA|AIDA)', `[A-Z0-9]{16}${END}`),
  prefixed('aws_bedrock', 'ABSK', '[A-Za-z0-9+/]{60,400}={0,2}'),
  prefixed('aws_bedrock', 'bedrock-api-key-YmVkcm9jay5hbWF6b25hd3MuY29t', '[A-Za-z0-9+/=]{0,2000}'),
  prefixed('github', 'gh[pousr]_', `${ALNUM}{36,255}`),
  prefixed('github', 'github_pat_', `[A-Za-z0-9_]{40,255}`),
  prefixed('gitlab', 'gl(?:pat|dt|ft|rt|rtr|cbt|ptt|soat|oas|imt|agent|ffct|wt)-', '[A-Za-z0-9_.-]{16,300}'),
  prefixed('gitlab', 'GR1348941', `${WORD}{16,40}`),
  near('gitlab', /_gitlab_session=([0-9a-z]{32})/g, ['_gitlab_session=']),
  prefixed('google', 'AIza', `${WORD}{35}(?!${WORD})`),
  prefixed('google', 'ya29\\.', '[A-Za-z0-9._-]{20,400}'),
  prefixed('google', 'GOCSPX-', `${WORD}{24,40}`),
  near('google_service_account', /"private_key_id"\s{0,4}:\s{0,4}"([A-Za-z0-9]{30,64})"/g, ['private_key_id'], 2),
  prefixed('slack', 'xox[bpaors]-', '(?=(?:[A-Za-z-]{0,80}[0-9]){4})[A-Za-z0-9-]{14,250}'),
  prefixed('slack', 'xox[ar]-', '(?:\\d-)?(?=[A-Za-z]{0,40}\\d)[A-Za-z0-9]{8,48}(?![A-Za-z0-9-])'),
  prefixed('slack', 'xoxe(?:\\S?xox[bp])?-\\d-', '(?=[A-Za-z]{0,200}[0-9])[A-Za-z0-9]{20,250}'),
  prefixed('slack', 'xapp-\\d-', '[A-Za-z0-9-]{4,200}'),
  near(
    'webhook',
    /https?:\/\/hooks\.slack(?:-gov)?\.com\/(?:services|workflows|triggers)\/[A-Za-z0-9+/]{40,80}/g,
    ['hooks.slack'],
    10,
  ),
  near(
    'webhook',
    /https:\/\/[a-z0-9-]{1,60}\.webhook\.office\.com\/webhookb2\/[A-Za-z0-9@-]{20,100}\/IncomingWebhook\/[A-Za-z0-9]{20,60}\/[A-Za-z0-9-]{20,60}/g,
    ['webhook.office'],
    80,
  ),
  near(
    'webhook',
    /https:\/\/(?:canary\.|ptb\.)?discord(?:app)?\.com\/api\/webhooks\/\d{10,24}\/[\w-]{40,100}/g,
    ['/api/webhooks/'],
    40,
  ),
  prefixed('stripe', '(?:sk|rk|pk)_(?:live|test|prod)_', `${ALNUM}{10,120}`),
  prefixed('stripe', 'whsec_', '[A-Za-z0-9+/=]{24,80}'),
  prefixed('npm', 'npm_', `${ALNUM}{36,80}`),
  near('npm', /_auth(?:Token)?\s{0,2}=\s{0,2}"?([A-Za-z0-9+/=_.-]{16,400})/g, ['_auth']),
  prefixed('pypi', 'pypi-', `${WORD}{50,1000}`),
  prefixed('jwt', 'ey[A-Za-z0-9_-]{10,2000}\\.ey', '[A-Za-z0-9_-]{10,4000}(?:\\.[A-Za-z0-9_-]{0,2000})?'),
  prefixed('jwt', 'ZXlK[A-Za-z0-9+/_-]', '[A-Za-z0-9+/_=-]{40,4000}'),
  prefixed('grafana', 'eyJrIjoi', '[A-Za-z0-9+/=_-]{40,400}'),
  prefixed('grafana', 'gl(?:c|sa)_', '[A-Za-z0-9+/_]{32,400}={0,2}'),
  prefixed('azure', '(?<![A-Za-z0-9_~.-])[A-Za-z0-9_~.]{3}\\dQ~', '[A-Za-z0-9_~.-]{31,34}(?![A-Za-z0-9_~.-])'),
  near(
    'azure_storage',
    /\b(?:AccountKey|SharedAccessKey|SharedSecretValue)\s{0,2}=\s{0,2}([A-Za-z0-9+/]{40,100}={0,2})/gi,
    ['accountkey', 'sharedaccesskey', 'sharedsecretvalue'],
    1,
  ),
  near('azure_sas', /[?&]sig=([A-Za-z0-9%+/=]{40,120})/g, ['sig='], 1),
  prefixed('huggingface', '(?:hf_|api_org_)', '(?![A-Za-z]{0,20}[a-z][A-Z][a-z]{3})[A-Za-z0-9]{34,40}(?![A-Za-z0-9_])'),
  prefixed('sendgrid', 'SG\\.', '[A-Za-z0-9_-]{16,32}\\.[A-Za-z0-9_-]{30,64}'),
  prefixed('mailgun', '(?:key|pubkey)-', '[a-f0-9]{32}\\b'),
  prefixed('mailgun', '[a-h0-9]{32}-[a-h0-9]{8}-', '[a-h0-9]{8}\\b'),
  prefixed('mailchimp', '[a-f0-9]{32}-us', '\\d{1,2}\\b'),
  prefixed('twilio', '(?:SK|AC)', '[0-9a-fA-F]{32}\\b'),
  prefixed('digitalocean', 'do[opr]_v1_', '[a-f0-9]{64}'),
  prefixed('databricks', 'dapi', '[a-f0-9]{32}(?:-\\d)?'),
  prefixed('shopify', 'shp(?:ss|at|ca|pa)_', '[A-Za-z0-9]{32,64}'),
  prefixed('notion', 'ntn_', `\\d{11}${ALNUM}{35}${END}`),
  prefixed('linear', 'lin_(?:api|oauth)_', `${ALNUM}{32,70}`),
  prefixed('planetscale', 'pscale_(?:tkn|pw|oauth)_', '[A-Za-z0-9=._-]{30,70}'),
  prefixed('pulumi', 'pul-', '[a-f0-9]{40}\\b'),
  prefixed('postman', 'PMAK-', '[a-f0-9]{24}-[a-f0-9]{34}'),
  prefixed('dockerhub', 'dckr_(?:pat|oat)_', `${WORD}{20,64}`),
  prefixed('hashicorp', 'hv[bsr]\\.', `${WORD}{20,400}`),
  prefixed('hashicorp', '[A-Za-z0-9]{14}\\.atlasv1\\.', `${WORD}{60,80}`),
  prefixed('one_password', 'ops_eyJ', '[A-Za-z0-9+/=]{100,4000}'),
  prefixed('one_password', 'A3-[A-Z0-9]{6}-(?:[A-Z0-9]{11}|[A-Z0-9]{6}-[A-Z0-9]{5})(?:-[A-Z0-9]{5}){3}', END),
  prefixed('age', 'AGE-SECRET-KEY-1', '[A-Z0-9]{58}'),
  prefixed('atlassian', 'ATATT3', '[A-Za-z0-9_=-]{60,300}'),
  prefixed('artifactory', 'AKCp', `${ALNUM}{69}`),
  prefixed('artifactory', 'cmVmd', `${ALNUM}{59}`),
  prefixed('cloudflare', 'v1\\.0-[a-f0-9]{24}-', '[a-f0-9]{140,160}'),
  prefixed('cloudflare', 'cf(?:at|ut|k|oat)_', `${WORD}{48,80}(?!${WORD})`),
  prefixed('clickhouse', '4b1d', `${ALNUM}{38}${END}`),
  prefixed('facebook', 'EAA[MC]', `${ALNUM}{40,300}`),
  { name: 'facebook', pattern: /(?<!\d)\d{15,16}(?:\||%7C|%)[A-Za-z0-9_-]{27,40}/gi, where: { kind: 'run' } },
  prefixed('flyio', 'fm[12][ar]?_', '[A-Za-z0-9+/=,_-]{60,1000}'),
  prefixed('flyio', 'fo1_', `${WORD}{43}`),
  prefixed('harness', '[ps]at\\.', '[A-Za-z0-9_-]{22}\\.[A-Za-z0-9]{24}\\.[A-Za-z0-9]{20}'),
  prefixed('infracost', '(?<![.])ico-', `${ALNUM}{32}${END}`),
  prefixed('newrelic', 'NR(?:AK|JS|II|AL|RA)-', '[A-Za-z0-9-]{16,40}'),
  prefixed('okta', '00(?=[A-Za-z0-9_-]{0,38}[a-z])(?=[A-Za-z0-9_-]{0,38}[A-Z])', `${WORD}{40}(?!${WORD})`),
  prefixed('perplexity', 'pplx-', `${ALNUM}{40,64}`),
  prefixed('groq', 'gsk_', `${ALNUM}{52}${END}`),
  prefixed('xai', 'xai-', `${ALNUM}{60,90}`),
  prefixed('replicate', 'r8_', `${WORD}{36,40}`),
  prefixed('openrouter', 'sk-or-v1-', '[a-f0-9]{64}'),
  prefixed('readme', 'rdme_', '[a-z0-9]{60,80}'),
  prefixed('rubygems', 'rubygems_', '[a-f0-9]{48}'),
  prefixed('scalingo', 'tk-us-', `${WORD}{48}`),
  prefixed('sentry', 'sntry[us]_', '[A-Za-z0-9+/=_-]{60,400}'),
  prefixed('settlemint', 'sm_(?:pat|aat|sat)_', `${ALNUM}{16}${END}`),
  prefixed('shippo', 'shippo_(?:live|test)_', '[a-fA-F0-9]{40}'),
  prefixed('square', 'sq0(?:atp|csp|idp)-', `${WORD}{22,60}`),
  prefixed('square', 'EAAA', `${WORD}{56,64}`),
  prefixed('tailscale', 'tskey-(?:api|auth|client|scim|webhook)-', '[A-Za-z0-9]{10,24}-[A-Za-z0-9]{20,40}'),
  prefixed('telegram', '\\d{8,10}:A', `${WORD}{34}(?!${WORD})`),
  prefixed('typeform', 'tfp_', '[A-Za-z0-9_.=-]{50,80}'),
  prefixed('plaid', 'access-(?:sandbox|development|production)-', '[0-9a-f-]{36}'),
  prefixed('vercel', 'vc[picarkt]_', `${ALNUM}{24,64}`),
  prefixed('supabase', 'sb[pb]?_(?:secret_)?', '[A-Za-z0-9]{30,60}'),
  prefixed('dropbox', 'sl\\.(?:u\\.)?', '[A-Za-z0-9_=-]{100,250}'),
  prefixed('intra42', 's-s4t2(?:ud|af)-', '[a-f0-9]{64}'),
  prefixed('octopus', 'API-', '[A-Z0-9]{26}\\b(?<=[0-9][A-Z0-9]{0,25})(?<!API-[A-F0-9]{26})'),
  prefixed('yandex', 'AQVN', `${WORD}{35,38}`),
  prefixed('yandex', '(?:YC|t1\\.)', `${WORD}{38,90}`),
  prefixed('defined', 'dnkey-', '[a-z0-9_-]{26}-[a-z0-9_-]{52}'),
  prefixed('easypost', 'EZ[AT]K', `${ALNUM}{54}${END}`),
  prefixed('airtable', `pat${ALNUM}{14}\\.`, '[a-f0-9]{64}'),
  prefixed('mapbox', '[ps]k\\.', '[A-Za-z0-9]{60}\\.[A-Za-z0-9]{22}'),
  prefixed('discord', '[A-Z][A-Za-z0-9_-]{23,27}\\.', '[A-Za-z0-9_-]{6,7}\\.[A-Za-z0-9_-]{27,40}'),
  prefixed('fireworks', 'fw_', `${DRAWN}${ALNUM}{22,64}${END}`),
  prefixed('cerebras', 'csk-', `${DRAWN}${ALNUM}{32,64}${END}`),
  prefixed('together', 'tgp_v\\d_', `${WORD}{32,80}`),
  prefixed('pinecone', 'pcsk_', `${WORD}{40,90}`),
  prefixed('langsmith', 'ls(?:v2_(?:pt|sk)|__)_?', `${DRAWN}[A-Za-z0-9_]{32,64}`),
  prefixed('langfuse', '(?:sk|pk)-lf-', '[0-9a-f-]{36}'),
  prefixed('nvidia', 'nvapi-', `${WORD}{40,90}`),
  prefixed('tavily', 'tvly-', `${WORD}{20,80}`),
  prefixed('e2b', 'e2b_', '[a-f0-9]{32,64}'),
  prefixed('firecrawl', 'fc-', '[a-f0-9]{32}\\b'),
  prefixed('supabase', 'sb_secret_', `${WORD}{20,60}`),
  prefixed('neon', 'napi_', '[a-z0-9]{40,80}'),
  prefixed('netlify', 'nf[pocub]_', `${ALNUM}{36,64}`),
  prefixed('render', 'rnd_', `${DRAWN}${ALNUM}{20,64}`),
  prefixed('vercel', 'vercel_blob_rw_', '[A-Za-z0-9_]{24,90}'),
  prefixed('doppler', 'dp\\.(?:pt|st|ct|sa|scim|audit)\\.', '[A-Za-z0-9_.-]{40,80}'),
  prefixed('bitbucket', 'AT(?:BB|CTT3)', `(?=[A-Za-z]{0,31}\\d)[A-Za-z0-9_=-]{28,240}`),
  prefixed('nuget', 'oy2', '[a-z0-9]{43}(?![a-z0-9])'),
  prefixed('alibaba', 'LTAI', `${DRAWN}${ALNUM}{12,24}${END}`),
  prefixed('tencent', 'AKID', `${DRAWN}${ALNUM}{32}${END}`),
  prefixed('heroku', 'HRKU-', `${WORD}{36,80}`),
  prefixed('resend', 're_', '[A-Za-z0-9]{8,12}_[A-Za-z0-9]{20,40}'),
  prefixed('brevo', '(?:xkeysib|xsmtpsib)-', '[a-f0-9]{64}-[A-Za-z0-9]{16}'),
  prefixed('postmark', '(?:pm|md)-', `(?=[A-Za-z]{0,20}\\d)[A-Za-z0-9_-]{22}${END}`),
  prefixed('posthog', 'ph[cxrs]_', `${ALNUM}{36,60}`),
  prefixed('figma', 'fig(?:d|o|oh|ur|uh)_', `${WORD}{32,80}`),
  prefixed('contentful', 'CFPAT-', `${WORD}{40,60}`),
  prefixed('mapbox', '(?:sk|tk)\\.eyJ', '[A-Za-z0-9_-]{30,200}\\.[A-Za-z0-9_-]{20,40}'),
  prefixed('dbt', 'dbt[cu]_', `${WORD}{32,64}`),
  prefixed('prefect', 'pn[ub]_', `${ALNUM}{30,60}`),
  prefixed('buildkite', 'bk(?:ua|at|ct|aj)_', `${ALNUM}{32,64}`),
  prefixed('circleci', 'CCI(?:PAT|PRJ)_', '[A-Za-z0-9_]{40,90}'),
  prefixed('launchdarkly', '(?:sdk|api|mob)-', '[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}'),
  prefixed('flutterwave', 'FLW(?:SECK|PUBK)(?:_TEST)?-', '[a-f0-9A-Z]{12,40}(?:-X)?'),
  prefixed('razorpay', 'rzp_(?:live|test)_', `${ALNUM}{14,24}`),
  prefixed('paystack', '(?:sk|pk)_(?:live|test)_', '[a-f0-9]{40}'),
  prefixed('adyen', 'AQE', '[A-Za-z0-9+/=_-]{60,200}'),
  prefixed('duffel', 'duffel_(?:live|test)_', `${WORD}{40,60}`),
  prefixed('hubspot', 'pat-(?:na|eu|ap)\\d-', '[0-9a-f-]{36}'),
  prefixed('sonar', 'sq[upa]_', '[a-f0-9]{40}\\b'),
  prefixed('paypal', 'access_token\\$(?:production|sandbox)\\$', '[a-z0-9]{16}\\$[a-f0-9]{32}'),
  prefixed('facebook', 'EAA', `${DRAWN}${ALNUM}{80,300}`),
  prefixed('jina', 'jina_', `${WORD}{40,80}`),
  prefixed('elevenlabs', 'sk_', '[a-f0-9]{48}\\b'),
  prefixed('scaleway', 'SCW', `(?=[A-Z]{0,16}\\d)[A-Z0-9]{17}${END}`),
  prefixed('wakatime', 'waka_', '[0-9a-f-]{36}'),
  prefixed('kaggle', 'KGAT_', '[a-f0-9]{32}'),
  prefixed('wandb', 'wandb_v\\d_', `${WORD}{40,120}`),
  prefixed('voyage', '(?:pa|al)-', `(?=[A-Za-z]{0,40}\\d)(?=[a-z0-9_-]{0,40}[A-Z])${WORD}{43}(?!${WORD})`),
  prefixed('frameio', 'fio-u-', `${WORD}{60,70}`),
  prefixed('onfleet', '(?:stk|ptk|rtk|btk|lsk|cpk|hsk)_', `${DRAWN}${ALNUM}{32,64}${END}`),
  prefixed('nostr', 'nsec1', '[02-9ac-hj-np-z]{58}'),
  prefixed('bitcoin', '[xyz]prv', `${ALNUM}{100,115}${END}`),
  prefixed('zapier', 'sk-ak-', `${WORD}{32,80}`),
  prefixed('honeycomb', 'hc[abxl][ik][kc]_', `${ALNUM}{40,80}`),
  prefixed('clickup', 'pk_\\d{6,10}_', '[A-Z0-9]{32}'),
  prefixed('crates', 'cio', `(?=[A-Za-z]{0,31}\\d)${ALNUM}{32}${END}`),
  prefixed('hex_pm', 'hex_', '[a-f0-9]{32,64}\\b'),
  near(
    'spoken_password',
    /\b(?:pass(?:word|phrase|wort|code)|kennwort|mot de passe|contrase(?:ñ|n)a|senha|wachtwoord|secret key|access key)\b["']?\s{0,3}(?:is now|is|was|ist|lautet|war|est|es|era|sarà|são|é|è|:|=)\s{1,3}["'“„«]?((?=[^\s"'”]{0,80}[\p{L}])(?:(?=[^\s"'”]{0,80}\d)|(?=[^\s"'”]{1,80}[!#$%^&*+~@?]\S))[^\s"'”“»<>{}()]{6,100}[^\s"'”“»<>{}().,;:!?])/giu,
    [
      'passwor',
      'passphrase',
      'passcode',
      'kennwort',
      'mot de passe',
      'contrase',
      'senha',
      'wachtwoord',
      'secret key',
      'access key',
    ],
    1,
  ),
  near(
    'login_line',
    /\b(?:login|user|username|account)\s{1,3}\S{1,80}\s{1,3}pass(?:word|wd)?\s{1,3}(?=\S{0,80}\d)(\S{6,120})/gi,
    ['login ', 'user ', 'username ', 'account '],
    1,
  ),
  near(
    'cookie',
    /\b(?:set-)?cookie["']?\s{0,2}[:=]\s{0,3}["']?(?:[^;=\s]{1,60}=[^;\s]{0,400};\s?){0,12}(?:[\w.-]{0,40}(?:sess|sid|auth|token|jwt)[\w.-]{0,30})=((?=[^;\s"']{0,200}\d)[^;\s"']{16,800})/gi,
    ['cookie'],
    5,
  ),
  near('docker_auth', /"auth"\s{0,3}:\s{0,3}"([A-Za-z0-9+/]{16,400}={0,2})"/g, ['"auth"'], 1),
  near(
    'cli_password',
    /\b(?:mysql|mysqldump|mariadb|sshpass|mongosh?|redis-cli)\b[^\n|;]{0,200}?\s(?:-p|-a )(?=[^\s'"]{0,60}\d)["']?([^\s"']{6,80})/g,
    ['mysql', 'mariadb', 'sshpass', 'mongo', 'redis-cli'],
  ),
  { name: 'ethereum', pattern: /(?<![A-Za-z0-9])0x[a-fA-F0-9]{64}(?![A-Za-z0-9])/g, where: { kind: 'run' } },
  near(
    'connection_password',
    /\b[a-z][a-z0-9+.-]{1,24}:\/\/[^\s:/@"'<>$\x7b]{0,100}:([^\s/@"'<>$\x7b]{3,200})@[A-Za-z0-9[]/gi,
    ['://'],
    26,
  ),
  near(
    'bearer',
    /\b(?:authorization["']?\s{0,3}[:=]\s{0,3}["']?)?(?:bearer|basic|token)\s{1,3}(?=[A-Za-z0-9+/._~-]{0,300}\d)([A-Za-z0-9+/._~-]{16,2000}={0,2})/gi,
    ['bearer', 'basic', 'token'],
    24,
  ),
  near(
    'curl_user',
    /\bcurl\b[^|;]{0,400}?\s(?:-u|--user)[ =]{0,2}["']{0,2}([^\s:"'$<[]{0,80}["']?:["']?[^\s"'$[<]{0,120})(?<=\S{8})/g,
    ['curl'],
  ),
]
