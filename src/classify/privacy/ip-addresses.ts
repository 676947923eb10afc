/** Addresses of computers. Pure. */
import type { Finding, Part } from './private-span.ts'

const BYTE = '(?:25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)'
/** Not a part of a longer dotted number, such as a version with five places. */
const IPV4 = new RegExp(`(?<![\\w.])(?:${BYTE}\\.){3}${BYTE}(?:/(?:3[0-2]|[12]?\\d))?(?!\\.?\\d)(?![\\w])`, 'g')
const IPV6 =
  /(?<![\w:.])(?:[0-9a-f]{0,4}:){2,8}(?:(?:\d{1,3}\.){3}\d{1,3}|[0-9a-f]{0,4})(?:%\w{1,16})?(?:\/\d{1,3})?(?![\w:])/gi

export function ipAddressesIn({ text }: Part): readonly Finding[] {
  const sixth = [...text.matchAll(IPV6)].filter(([match]) => isIpv6(match)).map((match) => foundAt('ipv6', match))
  const fourth = [...text.matchAll(IPV4)].map((match) => foundAt('ipv4', match))
  return [...sixth, ...fourth]
}

function foundAt(detector: string, match: RegExpExecArray): Finding {
  return { detector, start: match.index, end: match.index + match[0].length }
}

/** Eight groups, or fewer with one run of zeros left out; a clock time has no address's form. @see RFC 4291, section 2.2 */
function isIpv6(text: string): boolean {
  const plain = text.replace(/[%/].*$/, '').replace(/(?:\d{1,3}\.){3}\d{1,3}$/, '0:0')
  const [head = '', tail, ...more] = plain.split('::')
  if (more.length > 0) return false
  const groups = [head, tail ?? ''].flatMap((part) => (part === '' ? [] : part.split(':')))
  if (!groups.every((group) => /^[0-9a-f]{1,4}$/i.test(group))) return false
  // `a::b` is a name in a program.
  if (tail !== undefined && groups.length < 3 && !/\d/.test(plain)) return false
  return tail === undefined ? groups.length === 8 : groups.length <= 7
}
