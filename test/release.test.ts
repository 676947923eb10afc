/** `npm run release`: what stands in the way of a version, and what it leaves to a person. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { publishSteps, type ReleaseFacts, releaseProblems, sectionOf } from '../scripts/package/release.ts'

const READY: ReleaseFacts = {
  version: '1.2.0',
  lockVersion: '1.2.0',
  repository: 'git+https://example.org/spillway.git',
  changed: [],
  tags: ['v1.1.9', 'v1.2.0-rc.1', 'other'],
  changelog: '# Changelog\n\n## Unreleased\n\n## 1.2.0 - 2026-11-22\n\n- News.\n\n## 1.1.9 - 2026-10-01\n\n- Old.\n',
}

describe('a version', () => {
  it('may be published when tree, version, changelog and repository are in order', () => {
    expect(releaseProblems(READY)).toEqual([])
  })

  const WRONG: readonly (readonly [string, Partial<ReleaseFacts>, RegExp])[] = [
    ['a file differs from the last commit', { changed: [' M src/a.ts'] }, /1 files differ .*M src\/a\.ts/],
    ['the lock file says another version', { lockVersion: '1.1.9' }, /package-lock\.json says 1\.1\.9/],
    ['it is no version', { version: '1.2', lockVersion: '1.2' }, /1\.2 is no version/],
    ['it is tagged already', { tags: ['v1.2.0'] }, /v1\.2\.0 is tagged already/],
    ['a newer one is tagged', { tags: ['v1.10.0', 'v1.9.0'] }, /older than 1\.10\.0/],
    ['the changelog has no dated section for it', { changelog: '## 1.2.0\n\n- x\n' }, /no section "## 1\.2\.0 - /],
    ['its section is empty', { changelog: '## 1.2.0 - 2026-11-22\n\n## 1.1.9 - 2026-10-01\n\n- x\n' }, /is empty/],
    [
      'changes are still listed as unreleased',
      { changelog: `## Unreleased\n\n- x\n\n${READY.changelog}` },
      /unreleased/,
    ],
    ['no repository is named', { repository: null }, /names no repository/],
  ]
  it.each(WRONG)('may not be published when %s', (_, wrong, line) => {
    expect(releaseProblems({ ...READY, ...wrong }).join('\n')).toMatch(line)
  })

  it('with a suffix is published beside the latest one, with its provenance', () => {
    expect(publishSteps('2.0.0-rc.1', 'x.tgz')[2]).toBe('npm publish x.tgz --provenance --access public --tag next')
    expect(publishSteps('2.0.0', 'x.tgz')[2]).toBe('npm publish x.tgz --provenance --access public')
  })

  it('has the part of the changelog up to the next version as its notes', () => {
    expect(sectionOf(READY.changelog, '1.2.0')?.trim()).toBe('- News.')
    expect(sectionOf(READY.changelog, '1.3.0')).toBeNull()
  })
})

describe('a dry run', () => {
  let folder = ''
  afterEach(() => rmSync(folder, { recursive: true, force: true }))

  it('names what stands in the way and every step, and changes nothing', () => {
    folder = mkdtempSync(join(tmpdir(), 'spillway-release-'))
    writeFileSync(join(folder, 'package.json'), '{ "name": "spillway", "version": "0.2.0" }')
    writeFileSync(join(folder, 'package-lock.json'), '{ "version": "0.2.0" }')
    writeFileSync(join(folder, 'CHANGELOG.md'), '# Changelog\n\n## Unreleased\n\n- Something.\n')
    spawnSync('git', ['init', '-q'], { cwd: folder })
    const script = resolve(import.meta.dirname, '../scripts/release.mjs')
    const ran = spawnSync(process.execPath, [script, '--dry-run'], { cwd: folder, encoding: 'utf8' })
    expect(ran.stderr).toBe('')
    expect(ran.stdout).toMatch(/wrong {2}3 files differ/)
    expect(ran.stdout).toMatch(/wrong {2}CHANGELOG\.md has no section "## 0\.2\.0/)
    expect(ran.stdout).toMatch(/would run npm run check\nwould run npm run check:package\nwould run npm pack/)
    expect(ran.stdout).toMatch(/npm publish release\/spillway-0\.2\.0\.tgz --provenance/)
    expect(ran.status).toBe(1)
    expect(readdirSync(folder).sort()).toEqual(['.git', 'CHANGELOG.md', 'package-lock.json', 'package.json'])
  })
})
