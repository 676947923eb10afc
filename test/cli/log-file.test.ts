import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { boundedLog, openLogFile } from '../../src/cli/log-file.ts'

let folder: string
let file: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'spillway-log-'))
  file = join(folder, 'deep', 'gateway.log')
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const contents = (name: string): string => readFileSync(join(folder, 'deep', name), 'utf8')

describe('a log file', () => {
  it('never grows past its size, and keeps as many older ones as it is told', () => {
    const log = boundedLog(file, { maxBytes: 10, keep: 2 })
    for (const line of ['one', 'two', 'three', 'four', 'five', 'six', 'seven']) log.write(line)
    log.close()
    expect(readdirSync(join(folder, 'deep')).sort()).toEqual(['gateway.log', 'gateway.log.1', 'gateway.log.2'])
    expect(contents('gateway.log.2') + contents('gateway.log.1') + contents('gateway.log')).toBe(
      'three\nfour\nfive\nsix\nseven\n',
    )
    for (const name of readdirSync(join(folder, 'deep'))) expect(contents(name).length).toBeLessThanOrEqual(10)
    expect(statSync(file).mode & 0o777).toBe(0o600)
  })

  it('takes a line that is longer than a file by itself', () => {
    const log = boundedLog(file, { maxBytes: 4, keep: 1 })
    log.write('much too long')
    log.write('b')
    log.close()
    expect([contents('gateway.log.1'), contents('gateway.log')]).toEqual(['much too long\n', 'b\n'])
  })

  it('goes on where it ended, and two writers lose nothing', () => {
    const one = boundedLog(file, { maxBytes: 8, keep: 9 })
    const other = boundedLog(file, { maxBytes: 8, keep: 9 })
    for (let at = 0; at < 8; at += 1) (at % 2 === 0 ? one : other).write(`l${at}`)
    one.close()
    other.close()
    const all = readdirSync(join(folder, 'deep')).map(contents).join('')
    expect(all.split('\n').filter(Boolean).sort()).toEqual(['l0', 'l1', 'l2', 'l3', 'l4', 'l5', 'l6', 'l7'])
  })

  it('is refused where it cannot be, and its size is a number', () => {
    expect(() => openLogFile(folder, '10')).toThrow(/cannot be opened \(EISDIR\)/)
    expect(() => openLogFile(file, 'big')).toThrow(/--log-max-mb big/)
  })
})
