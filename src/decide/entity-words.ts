/** Word lists for finding names in English text. All are general English, written from knowledge of the language. */

const words = (text: string): ReadonlySet<string> => new Set(text.trim().split(/\s+/))

/**
 * Words that are capitalised at the start of a sentence and are no name there: function words, and the ordinary verbs,
 * nouns, adjectives and adverbs that sentences begin with.
 */
export const ORDINARY_WORDS = words(`
a an the this that these those he she it they we you i his her its their our my your him them us me who whom whose which
what when where why how there here one two three four five six seven eight nine ten eleven twelve twenty thirty forty
fifty hundred thousand million first second third fourth fifth last next other another each every either neither both all
any some many much more most several few fewer less least none no not nor never ever yes
and or but so yet for if as because since although though while whereas unless until till before after once than then
in on at by to from with without within into onto upon of off over under above below between among amongst across along
around about against during through throughout toward towards behind beside besides beyond near inside outside up down
out per via despite except like unlike amid following according due owing given based instead rather such also too
again already always often sometimes usually generally frequently rarely seldom soon later earlier now today tomorrow
yesterday tonight currently recently previously formerly originally initially finally eventually ultimately meanwhile
afterwards afterward thereafter subsequently immediately suddenly gradually however therefore thus hence moreover
furthermore additionally nevertheless nonetheless otherwise similarly likewise conversely consequently accordingly
indeed perhaps maybe probably possibly apparently clearly obviously certainly surely especially particularly mainly
mostly largely partly nearly almost about approximately roughly exactly just only even still quite very rather really
unfortunately fortunately interestingly surprisingly importantly notably typically traditionally historically
is are was were be been being am do does did done doing have has had having can could may might must shall should will
would need dare ought used let lets make makes made making get gets got getting go goes went gone going come comes came
coming take takes took taken taking give gives gave giving see sees saw seen seeing say says said saying tell tells told
know knows knew known knowing think thinks thought find finds found finding use uses using want wants wanted keep keeps
kept keeping put puts putting show shows showed shown showing call calls called calling ask asks asked work works worked
working play plays played playing run runs ran running move moves moved moving live lives lived living believe believed
hold holds held holding bring brings brought begin begins began begun beginning start starts started starting write
writes wrote written writing provide provides provided providing include includes included including continue continues
continued continuing set sets setting learn learns learned change changes changed lead leads led leading follow follows
followed stop stops stopped create creates created creating speak speaks spoke read reads spend spent grow grew grown
open opens opened walk win wins won teach offer offers offered remember consider considered appear appears appeared buy
bought serve serves served serving die died send sent build builds built building stay fall fell cut reach reached raise
raised pass passed sell sold require requires required report reported decide decided return returned returning explain
born located known named established founded formed released published written produced designed developed introduced
opened owned operated married died played educated situated attended graduated elected appointed joined left received
people man men woman women child children boy girl family families friend friends father mother son daughter brother
sister husband wife parents student students teacher teachers member members leader leaders player players team teams
group groups band bands company companies school schools college city cities town towns village villages country
countries state states county area areas region regions place places street road river house houses home building
buildings church station airport line lines war battle army police government law court party election president king
queen year years day days week weeks month months time times morning evening night summer winter spring autumn century
name names word words language languages story stories book books film films movie movies song songs album albums music
show series season seasons episode episodes game games match event events part parts number numbers kind type form
version side end way ways thing things point points case cases problem problems question questions answer fact facts
idea ideas example examples reason result results effect effects use history science art life death world earth land
water sea island mountain tree trees animal animals species food money work job business market industry product
products system systems service services program programs project projects plan plans model models design process
method study studies research report theory data information level levels rate value values power energy light force
new old young good better best bad great big large small little long short high low early late major minor main public
private local national international general special common different same similar own full open free real true whole
certain important popular famous modern traditional original additional further recent current former present future
various numerous multiple single double half total final available possible necessary likely able unable
critics scholars historians scientists researchers experts authors writers artists musicians actors officials residents
visitors passengers soldiers workers farmers fans others everyone everybody someone somebody anyone anybody nobody
everything something anything nothing please thanks thank hello dear sure well oh ok okay
construction production development performance competition tournament championship championships league club clubs
cup prize award awards degree career role title version track tracks disc record records recording label single tour
concert guitar drums bass vocals lyrics novel novels poem poems magazine newspaper article journal television radio
broadcast network channel website internet computer software hardware game engine car cars train trains ship ships
aircraft bridge tower wall park garden forest lake beach coast hill valley desert north south east west northern
southern eastern western central upper lower left right
population census households income median age ages persons males females density according race
fellow fellows birthday anniversary jazz rock pop punk metal techno reggae folk blues soul country funk disco rap hip-hop
opera ballet classical christian christians catholic protestant muslim buddhist bishop scout scouts internet web mom dad
grandfather grandmother uncle aunt cousin bull horse dog cat bird fish bike bikes bicycle bicycles boat boats plane planes
race races model weekly monthly daily annual ceremony summer winter
legend note notes see source sources reference references external links contents overview background biography plot
cast reception legacy personal statistics discography filmography bibliography gallery category list table figure
chapter section page volume issue edition copyright retrieved archived main further reading
upon whether whatever whenever wherever whoever
`)

/** Never names by themselves, wherever they stand. */
export const CALENDAR_WORDS = words(`
january february march april may june july august september october november december jan feb mar apr jun jul aug sep
sept oct nov dec monday tuesday wednesday thursday friday saturday sunday mon tue wed thu fri sat sun
`)

/** Words that "of" binds to what follows: "University of Texas", but not "the North Shore of Oahu". */
export const BINDING_WORDS = words(`
university college school institute academy museum library hall house church cathedral abbey temple bank republic
kingdom states state commonwealth union federation league association society order council board ministry department
bureau office institute museum college city battle siege treaty act bill declaration peace war bay gulf strait isle cape
tower rock lords knights sons daughters children friends queen lord lady court chamber congress confederation academy
hall temple book books tales legend song songs journal history art sea port fort mount lake valley people's
`)

/** Whose possessive is part of a name: "People's Republic", "Men's Athletics". */
export const GROUP_WORDS = words('people men women boys girls children workers farmers')

/** Endings that ordinary English words have and names seldom. */
export const ORDINARY_ENDING =
  /(?:[^aeiou]ed|ated|ized|ised|ing|ly|ship|ment|tion|sion|ness|ity|ism|ance|ence|able|ible|ful|less|ous)s?$/

/** In front of a name, and not part of it. */
export const TITLES = words(`
mr mrs ms miss dr sir dame lord lady prof professor president minister senator governor mayor judge justice captain
colonel general major lieutenant sergeant corporal private admiral commander commodore brigadier chief king queen prince
princess emperor empress duke duchess earl count countess baron baroness pope cardinal archbishop bishop father brother
sister reverend rev rabbi saint coach director manager chairman secretary ambassador representative congressman
congresswoman officer inspector detective doctor premier chancellor vice deputy dean rear marshal pastor
`)

/** Common abbreviations that are nouns like any other. */
export const ORDINARY_ABBREVIATIONS = words(`
CD CDs DVD DVDs TV TVs PC PCs EP EPs LP LPs AM PM BC AD BCE CE UTC GMT VIP CEO CFO CTO MVP KO TKO DNA RNA SUV GPS ID OK
FM PhD MD BA MA MBA BSc MSc GDP FAQ ATM CPU GPU RAM ROM USB LED HIV AIDS ICU DJ MC MP MPs PR HQ R&B No Nos Vol Ch pp
II III IV VI VII VIII IX XI XII
`)

/** Small words that may stand inside a name when both sides are capitalised. */
export const INNER_WORDS = words('of de la le du des del della di da dos das do von van der den zu y e el al bin ibn')

/** Small words that may stand inside the title of a work. */
export const TITLE_WORDS = words('a an the of in on at to for and or but nor with from by as is vs de la le')

export const PERSON_SUFFIXES = words('Jr Jr. Sr Sr. II III IV')

/** Last words of names of organisations. */
export const ORGANISATION_WORDS = words(`
inc inc. corp corp. corporation company co co. ltd ltd. llc plc gmbh ag group holdings industries motors airlines airways
railway railroad bank university college school institute academy association society federation union league club team
party army navy force forces division regiment brigade squadron corps council committee commission board agency bureau
department ministry office court parliament congress senate church foundation trust museum library hospital orchestra
band records entertainment studios pictures productions press publishing magazine times post herald tribune network
channel radio broadcasting systems technologies software labs laboratories brothers sons partners united city fc
`)

/** Last words of names of places. */
export const PLACE_WORDS = words(`
river lake sea ocean bay gulf strait island islands isle peninsula mountain mountains mount hill hills valley desert
plateau forest park street avenue road boulevard square bridge airport station county province state republic kingdom
territory district city town village township borough region north south east west coast beach harbour harbor port cape
canyon falls creek pond reservoir field stadium arena castle palace
`)

/** Last words of names of events, works and peoples' things. */
export const OTHER_WORDS = words(`
war wars battle treaty act award awards prize cup championship championships olympics games festival day revolution
movement series trilogy saga bible constitution language languages tour open grand prix bowl century
`)
