/** Units of measure with their exact factors, as their definitions give them. */

/** Exponents over the base measures below; absent ones are 0. */
export type Dimension = Readonly<Partial<Record<BaseMeasure, number>>>
/** `month` is its own measure: how many days a month or a year has depends on which one. */
export type BaseMeasure = 'm' | 'kg' | 's' | 'A' | 'K' | 'mol' | 'cd' | 'bit' | 'month' | 'turn'

export interface UnitRow {
  /** Lower case, singular; a plural in `s` or `es` is understood. */
  readonly words: readonly string[]
  /** Case counts. */
  readonly symbols: readonly string[]
  readonly of: Dimension
  /** In base measures, exact: a decimal or a ratio. */
  readonly factor: string
  /** Added after the factor: temperatures whose zero lies elsewhere, in kelvin. */
  readonly offset?: string
  readonly prefixes?: 'si' | 'data'
  /** A unit of the same name has another size in Britain. */
  readonly differsIn?: 'uk'
}

type Row = readonly [words: string, symbols: string, factor: string]

function rows(of: Dimension, table: readonly Row[], more: Partial<UnitRow> = {}): readonly UnitRow[] {
  return table.map(([words, symbols, factor]) => ({
    words: words.split(',').filter((word) => word !== ''),
    symbols: symbols.split(' ').filter((symbol) => symbol !== ''),
    of,
    factor,
    ...more,
  }))
}

const SI: Partial<UnitRow> = { prefixes: 'si' }
const US_ONLY: Partial<UnitRow> = { differsIn: 'uk' }
const ENERGY: Dimension = { kg: 1, m: 2, s: -2 }
const POWER: Dimension = { kg: 1, m: 2, s: -3 }
const PRESSURE: Dimension = { kg: 1, m: -1, s: -2 }
const FORCE: Dimension = { kg: 1, m: 1, s: -2 }

/** @see BIPM, The International System of Units, 9th edition; NIST Special Publication 811, appendix B; IEC 80000-13 */
export const UNIT_ROWS: readonly UnitRow[] = [
  ...rows({ m: 1 }, [['meter,metre', 'm', '1']], SI),
  ...rows({ m: 1 }, [
    ['inch,inches', 'in', '0.0254'],
    ['foot,feet', 'ft', '0.3048'],
    ['yard', 'yd yds', '0.9144'],
    ['mile,statute mile', 'mi', '1609.344'],
    ['nautical mile', 'nmi NM', '1852'],
    ['furlong', '', '201.168'],
    ['fathom', '', '1.8288'],
    ['mil,thou', '', '0.0000254'],
    ['micron', '', '0.000001'],
    ['angstrom,\u00e5ngstr\u00f6m', '\u00c5', '0.0000000001'],
    ['astronomical unit', 'au AU', '149597870700'],
    ['light-year,light year,lightyear', 'ly', '9460730472580800'],
  ]),
  ...rows({ m: 2 }, [
    ['hectare', 'ha', '10000'],
    ['acre', 'ac', '4046.8564224'],
    ['are', '', '100'],
  ]),
  ...rows({ m: 3 }, [['liter,litre', 'L l', '0.001']], SI),
  ...rows({ m: 3 }, [
    ['', 'cc', '0.000001'],
    ['barrel of oil,oil barrel', 'bbl', '0.158987294928'],
  ]),
  ...rows(
    { m: 3 },
    [
      ['gallon', 'gal', '0.003785411784'],
      ['quart', 'qt', '0.000946352946'],
      ['pint', 'pt', '0.000473176473'],
      ['cup', '', '0.0002365882365'],
      ['fluid ounce,ounce', 'fl.oz fl.oz. floz oz', '0.0000295735295625'],
      ['tablespoon', 'tbsp Tbsp', '0.00001478676478125'],
      ['teaspoon', 'tsp', '0.00000492892159375'],
    ],
    US_ONLY,
  ),
  ...rows({ m: 3 }, [
    ['imperial gallon', '', '0.00454609'],
    ['imperial quart', '', '0.0011365225'],
    ['imperial pint', '', '0.00056826125'],
    ['imperial fluid ounce', '', '0.0000284130625'],
    ['metric cup', '', '0.00025'],
  ]),
  ...rows({ kg: 1 }, [['gram,gramme', 'g', '0.001']], SI),
  ...rows({ kg: 1 }, [
    ['ounce,avoirdupois ounce', 'oz', '0.028349523125'],
    ['pound,avoirdupois pound', 'lb lbs', '0.45359237'],
    ['stone', 'st', '6.35029318'],
    ['tonne,metric ton', 't', '1000'],
    ['short ton,us ton', '', '907.18474'],
    ['long ton,imperial ton', '', '1016.0469088'],
    // "Ton" alone is one of the three.
    ['ton', '', '1000'],
    ['ton', '', '907.18474'],
    ['ton', '', '1016.0469088'],
    ['carat', 'ct', '0.0002'],
    ['grain', 'gr', '0.00006479891'],
    ['troy ounce', 'ozt', '0.0311034768'],
    ['slug', '', '44482216152605/3048000000000'],
  ]),
  ...rows({ s: 1 }, [['second,sec', 's', '1']], SI),
  ...rows({ s: 1 }, [
    ['minute', 'min mins', '60'],
    ['hour', 'h hr hrs', '3600'],
    ['day', 'd', '86400'],
    ['week', 'wk', '604800'],
    ['fortnight', '', '1209600'],
    ['leap year', '', '31622400'],
    ['non-leap year,common year,regular year', '', '31536000'],
  ]),
  ...rows({ month: 1 }, [
    ['month', '', '1'],
    ['year', 'yr yrs', '12'],
    ['decade', '', '120'],
    ['century,centuries', '', '1200'],
    ['millennium,millennia', '', '12000'],
  ]),
  ...rows({ m: 1, s: -1 }, [
    ['knot', 'kn kt', '1852/3600'],
    ['', 'mph', '0.44704'],
    ['', 'kph kmh kmph', '1000/3600'],
    ['', 'fps', '0.3048'],
  ]),
  ...rows({ m: 1, s: -2 }, [['standard gravity', 'g0', '9.80665']]),
  ...rows({ K: 1 }, [['kelvin', 'K', '1']], SI),
  ...rows({ K: 1 }, [['degree rankine,rankine', '\u00b0R', '5/9']]),
  ...rows(
    { K: 1 },
    [
      [
        'degree celsius,degrees celsius,celsius,c,degree centigrade,degrees centigrade,centigrade,degree c,degrees c,deg c',
        '\u00b0C \u2103 C',
        '1',
      ],
    ],
    { offset: '273.15' },
  ),
  ...rows(
    { K: 1 },
    [['degree fahrenheit,degrees fahrenheit,fahrenheit,f,degree f,degrees f,deg f', '\u00b0F \u2109 F', '5/9']],
    { offset: '45967/180' },
  ),
  ...rows(
    { bit: 1 },
    [
      ['bit', 'bit', '1'],
      ['', 'b', '1'],
    ],
    { prefixes: 'data' },
  ),
  ...rows({ bit: 1 }, [['byte,octet', 'B', '8']], { prefixes: 'data' }),
  ...rows({ bit: 1 }, [['nibble', '', '4']]),
  ...rows({ bit: 1, s: -1 }, [['', 'bps', '1']], { prefixes: 'data' }),
  ...rows(FORCE, [['newton', 'N', '1']], SI),
  ...rows(FORCE, [
    ['pound-force,pound force', 'lbf', '4.4482216152605'],
    ['kilogram-force,kilogram force', 'kgf', '9.80665'],
    ['dyne', 'dyn', '0.00001'],
  ]),
  ...rows(
    PRESSURE,
    [
      ['pascal', 'Pa', '1'],
      ['bar', 'bar', '100000'],
    ],
    SI,
  ),
  ...rows(PRESSURE, [
    ['atmosphere,standard atmosphere', 'atm', '101325'],
    ['torr', 'Torr', '101325/760'],
    [
      'millimeter of mercury,millimeters of mercury,millimetre of mercury,millimetres of mercury',
      'mmHg',
      '133.322387415',
    ],
    ['pound per square inch,pounds per square inch', 'psi', '44482216152605/6451600000'],
  ]),
  ...rows(
    ENERGY,
    [
      ['joule', 'J', '1'],
      ['watt-hour,watt hour', 'Wh', '3600'],
      ['', 'cal', '4.184'],
    ],
    SI,
  ),
  ...rows(ENERGY, [
    ['electronvolt,electron volt', 'eV', '0.0000000000000000001602176634'],
    ['british thermal unit', 'BTU Btu', '1055.05585262'],
    ['therm', '', '105505585.262'],
    ['foot-pound,foot pound', 'ft\u00b7lbf ft-lb ft\u00b7lb', '1.3558179483314004'],
    ['kilocalorie', '', '4184'],
    ['erg', 'erg', '0.0000001'],
  ]),
  ...rows(POWER, [['watt', 'W', '1']], SI),
  ...rows(POWER, [
    ['mechanical horsepower', '', '745.69987158227022'],
    ['metric horsepower', 'PS', '735.49875'],
    ['horsepower', 'hp', '745.69987158227022'],
  ]),
  ...rows({ s: -1 }, [['hertz', 'Hz', '1']], SI),
  ...rows({ A: 1 }, [['ampere,amp', 'A', '1']], SI),
  ...rows({ A: 1, s: 1 }, [['coulomb', 'C', '1']], SI),
  ...rows({ A: 1, s: 1 }, [['amp-hour,ampere-hour,amp hour,ampere hour', 'Ah', '3600']], SI),
  ...rows({ kg: 1, m: 2, s: -3, A: -1 }, [['volt', 'V', '1']], SI),
  ...rows({ kg: 1, m: 2, s: -3, A: -2 }, [['ohm', '\u03a9', '1']], SI),
  ...rows({ kg: -1, m: -2, s: 4, A: 2 }, [['farad', 'F', '1']], SI),
  ...rows({ kg: 1, m: 2, s: -2, A: -2 }, [['henry,henries', 'H', '1']], SI),
  ...rows({ kg: 1, s: -2, A: -1 }, [['tesla', 'T', '1']], SI),
  ...rows({ kg: 1, s: -2, A: -1 }, [['gauss', '', '0.0001']]),
  ...rows({ mol: 1 }, [['mole', 'mol', '1']], SI),
  ...rows({ cd: 1 }, [['candela', 'cd', '1']], SI),
  ...rows({ turn: 1 }, [
    ['turn,revolution', 'rev', '1'],
    ['degree', '\u00b0 deg', '1/360'],
    ['arcminute,minute of arc,minutes of arc', 'arcmin', '1/21600'],
    ['arcsecond,second of arc,seconds of arc', 'arcsec', '1/1296000'],
    ['gradian,gon', '', '1/400'],
  ]),
  ...rows({ turn: 1, s: -1 }, [['', 'rpm RPM', '1/60']]),
]

/** Name, symbols, power of ten. */
export const SI_PREFIXES: readonly (readonly [string, readonly string[], number])[] = [
  ['quetta', ['Q'], 30],
  ['ronna', ['R'], 27],
  ['yotta', ['Y'], 24],
  ['zetta', ['Z'], 21],
  ['exa', ['E'], 18],
  ['peta', ['P'], 15],
  ['tera', ['T'], 12],
  ['giga', ['G'], 9],
  ['mega', ['M'], 6],
  ['kilo', ['k'], 3],
  ['hecto', ['h'], 2],
  ['deca', ['da'], 1],
  ['deci', ['d'], -1],
  ['centi', ['c'], -2],
  ['milli', ['m'], -3],
  ['micro', ['\u00b5', '\u03bc', 'u'], -6],
  ['nano', ['n'], -9],
  ['pico', ['p'], -12],
  ['femto', ['f'], -15],
  ['atto', ['a'], -18],
]

/** Name, symbols, factor. A kilobyte is 1000 bytes and a kibibyte 1024, as IEC 80000-13 says. */
export const DATA_PREFIXES: readonly (readonly [string, readonly string[], bigint])[] = [
  ['kilo', ['k', 'K'], 1000n],
  ['mega', ['M'], 1000n ** 2n],
  ['giga', ['G'], 1000n ** 3n],
  ['tera', ['T'], 1000n ** 4n],
  ['peta', ['P'], 1000n ** 5n],
  ['exa', ['E'], 1000n ** 6n],
  ['zetta', ['Z'], 1000n ** 7n],
  ['yotta', ['Y'], 1000n ** 8n],
  ['kibi', ['Ki'], 1024n],
  ['mebi', ['Mi'], 1024n ** 2n],
  ['gibi', ['Gi'], 1024n ** 3n],
  ['tebi', ['Ti'], 1024n ** 4n],
  ['pebi', ['Pi'], 1024n ** 5n],
  ['exbi', ['Ei'], 1024n ** 6n],
]
