import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { placeOf } from '../../src/models/addresses.ts'
import { onThisMachine } from '../../src/spec/destination.ts'

describe('an address', () => {
  it.each([
    ['127.0.0.1', 'this_machine'],
    ['127.255.255.254', 'this_machine'],
    ['::1', 'this_machine'],
    ['::ffff:127.0.0.1', 'this_machine'],
    ['::ffff:7f00:1', 'this_machine'],
    ['64:ff9b::7f00:1', 'this_machine'],
    ['2002:7f00:1::', 'this_machine'],
    ['::127.0.0.1', 'this_machine'],
    ['10.1.2.3', 'private_network'],
    ['172.16.0.1', 'private_network'],
    ['172.31.255.255', 'private_network'],
    ['192.168.1.20', 'private_network'],
    ['100.64.0.7', 'private_network'],
    ['fd00::1', 'private_network'],
    ['fc00::1', 'private_network'],
    ['::ffff:192.168.1.1', 'private_network'],
    ['64:ff9b::a00:1', 'private_network'],
    ['169.254.169.254', 'never'],
    ['::ffff:a9fe:a9fe', 'never'],
    ['fe80::1%eth0', 'never'],
    ['fd00:ec2::254', 'never'],
    ['100.100.100.200', 'never'],
    ['0.0.0.0', 'never'],
    ['::', 'never'],
    ['224.0.0.1', 'never'],
    ['255.255.255.255', 'never'],
    ['ff02::1', 'never'],
    ['not an address', 'never'],
    ['', 'never'],
    ['1.1.1.1', 'public'],
    ['172.32.0.1', 'public'],
    ['100.128.0.1', 'public'],
    ['2606:4700::1111', 'public'],
    ['::ffff:1.1.1.1', 'public'],
  ])('%s is of %s', (address, place) => {
    expect(placeOf(address)).toBe(place)
  })

  it('is of one place in every IPv6 spelling of an IPv4 address', () => {
    fc.assert(
      fc.property(fc.ipV4(), (address) => {
        const [a = 0, b = 0, c = 0, d = 0] = address.split('.').map(Number)
        const hex = `${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`
        const spellings = [
          `::ffff:${address}`,
          `::ffff:${hex}`,
          `0:0:0:0:0:ffff:${hex}`,
          `64:ff9b::${hex}`,
          `2002:${hex}::`,
        ]
        expect(spellings.map(placeOf)).toEqual(spellings.map(() => placeOf(address)))
      }),
    )
  })
})

describe('this machine', () => {
  it('is where an address in a URL leads exactly when the address is a loopback one', () => {
    const spelt = fc.tuple(fc.ipV4(), fc.constantFrom('dotted', 'decimal', 'hex', 'octal')).map(([address, how]) => {
      const bytes = address.split('.').map(Number)
      const number = bytes.reduce((sum, byte) => sum * 256 + byte, 0)
      if (how === 'decimal') return { address, host: String(number) }
      if (how === 'hex') return { address, host: `0x${number.toString(16)}` }
      if (how === 'octal') return { address, host: bytes.map((byte) => `0${byte.toString(8)}`).join('.') }
      return { address, host: address }
    })
    const loopback = fc.tuple(fc.nat(255), fc.nat(255), fc.nat(255)).map((rest) => ['127', ...rest].join('.'))
    fc.assert(
      fc.property(
        fc.oneof(
          spelt,
          loopback.map((address) => ({ address, host: address })),
        ),
        ({ address, host }) => {
          for (const url of [`http://${host}:8080/v1`, `http://${host}./`, `http://user:pw@${host}/`])
            expect(onThisMachine(url)).toBe(address.startsWith('127.'))
        },
      ),
    )
  })

  it('is not where user info, a longer name or a path say it is', () => {
    fc.assert(
      fc.property(fc.constantFrom('127.0.0.1', 'localhost', '[::1]', '2130706433'), fc.domain(), (here, there) => {
        for (const url of [`http://${here.replace(/[[\]]/g, '')}@${there}/`, `http://${there}/${here}`])
          if (URL.canParse(url)) expect(onThisMachine(url)).toBe(false)
        expect(onThisMachine(`http://localhost.${there}/`)).toBe(false)
      }),
    )
  })
})
