/** What kind of place an IP address is, whoever named it. Pure. */
import { BlockList, isIP } from 'node:net'

/**
 * `never`: link-local addresses, cloud metadata services, multicast, broadcast and the unspecified address, none of
 * which is a place where a model answers.
 */
export type Place = 'this_machine' | 'private_network' | 'never' | 'public'

/** IPv4 ranges of RFC 6890, and the metadata services that lie in none of them. */
const NEVER = ranges(
  ['169.254.0.0', 16],
  ['0.0.0.0', 8],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
  ['100.100.100.200', 32],
  ['fe80::', 10],
  ['ff00::', 8],
  ['::', 128],
  ['fd00:ec2::254', 128],
  ['fd20:ce::254', 128],
)
const THIS_MACHINE = ranges(['127.0.0.0', 8], ['::1', 128])
const PRIVATE = ranges(
  ['10.0.0.0', 8],
  ['172.16.0.0', 12],
  ['192.168.0.0', 16],
  ['100.64.0.0', 10],
  ['198.18.0.0', 15],
  ['192.0.0.0', 24],
  ['fc00::', 7],
  // Site-local, given up in 2004 and still routed in places.
  ['fec0::', 10],
)

/** @param address as name resolution gives it, IPv4 or IPv6, with or without a zone */
export function placeOf(address: string): Place {
  const plain = embedded(address.replace(/%.*$/, ''))
  const family = isIP(plain)
  if (family === 0) return 'never'
  const type = family === 4 ? 'ipv4' : 'ipv6'
  if (NEVER.check(plain, type)) return 'never'
  if (THIS_MACHINE.check(plain, type)) return 'this_machine'
  return PRIVATE.check(plain, type) ? 'private_network' : 'public'
}

/** The IPv4 address inside a mapped (RFC 4291), translated (RFC 6052) or 6to4 (RFC 3056) one, in one spelling. */
function embedded(address: string): string {
  if (isIP(address) !== 6) return address
  const groups = groupsOf(address)
  const at = holderOf(groups)
  if (at === null) return address
  const [high = 0, low = 0] = groups.slice(at)
  return [high >> 8, high & 255, low >> 8, low & 255].join('.')
}

/** Where in the eight groups an IPv4 address begins; null when none does. */
function holderOf(groups: readonly number[]): number | null {
  const [first = 0, second = 0] = groups
  const isZero = (from: number, to: number): boolean => groups.slice(from, to).every((group) => group === 0)
  if (isZero(0, 5) && groups[5] === 0xffff) return 6
  // Compatible addresses; `::` and `::1` are none.
  if (isZero(0, 6) && groups[6] !== 0) return 6
  if (first === 0x64 && second === 0xff9b) return 6
  return first === 0x2002 ? 1 : null
}

function groupsOf(address: string): readonly number[] {
  // URL writes the last four bytes as two groups, and zeros in their shortest.
  const [head = '', tail] = new URL(`http://[${address}]/`).hostname.slice(1, -1).split('::')
  const numbers = (part: string): readonly number[] =>
    part === '' ? [] : part.split(':').map((group) => Number.parseInt(group, 16))
  const before = numbers(head)
  if (tail === undefined) return before
  const after = numbers(tail)
  return [...before, ...Array.from({ length: 8 - before.length - after.length }, () => 0), ...after]
}

function ranges(...entries: readonly (readonly [string, number])[]): BlockList {
  const list = new BlockList()
  for (const [network, prefix] of entries) list.addSubnet(network, prefix, network.includes(':') ? 'ipv6' : 'ipv4')
  return list
}
