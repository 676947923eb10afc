import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { launchd } from '../../src/cli/service/launchd.ts'
import type { ServiceSpec } from '../../src/cli/service/managed-service.ts'
import { systemd } from '../../src/cli/service/systemd.ts'
import { windowsTask } from '../../src/cli/service/windows-task.ts'

const PLAIN: ServiceSpec = {
  node: '/usr/bin/node',
  program: '/home/ann/.local/share/spillway/versions/1.2.3/node_modules/spillway/dist/cli/main.js',
  args: ['serve', '--policy', '/home/ann/spillway.yaml', '--log-file', '/home/ann/.local/state/spillway/service.log'],
  envFile: '/home/ann/.config/spillway/service.env',
  env: {},
  home: '/home/ann',
}

/** What a path may hold that one of the three formats gives a meaning to. */
const ODD: ServiceSpec = {
  node: 'C:\\Program Files\\node "x"\\node.exe',
  program: '/a b/100%/$HOME/<&>/main.js',
  args: ['serve', 'ends with \\'],
  envFile: '/e',
  env: { XDG_STATE_HOME: '/st ate & "more"' },
  home: '/home/%u & co',
}

describe('the unit of systemd', () => {
  it('starts the gateway at login, again when it fails, and gives answers time to end', () => {
    const { path, text } = systemd('/home/ann/.config').file(PLAIN)
    expect(path).toBe('/home/ann/.config/systemd/user/spillway.service')
    expect(text).toBe(`[Unit]
Description=Spillway gateway

[Service]
ExecStart=/usr/bin/node --env-file-if-exists=/home/ann/.config/spillway/service.env /home/ann/.local/share/spillway/versions/1.2.3/node_modules/spillway/dist/cli/main.js serve --policy /home/ann/spillway.yaml --log-file /home/ann/.local/state/spillway/service.log
WorkingDirectory=/home/ann
Restart=on-failure
RestartSec=2
KillMode=mixed
TimeoutStopSec=45
UMask=0077
NoNewPrivileges=yes

[Install]
WantedBy=default.target
`)
  })

  it('quotes what systemd would read in another way', () => {
    const { text } = systemd('/c').file(ODD)
    expect(text).toContain(
      String.raw`ExecStart="C:\\Program Files\\node \"x\"\\node.exe" --env-file-if-exists=/e "/a b/100%%/$$HOME/<&>/main.js" serve "ends with \\"`,
    )
    expect(text).toContain(String.raw`Environment="XDG_STATE_HOME=/st ate & \"more\""`)
    expect(text).toContain('WorkingDirectory=/home/%%u & co')
  })

  it('is one that systemd accepts', ({ skip }) => {
    const folder = mkdtempSync(join(tmpdir(), 'spillway-unit-'))
    const file = join(folder, 'spillway.service')
    writeFileSync(file, systemd('/c').file({ ...PLAIN, node: process.execPath, home: '/' }).text)
    const { status, stderr, error } = spawnSync('systemd-analyze', ['verify', file], { encoding: 'utf8' })
    rmSync(folder, { recursive: true, force: true })
    if (error) skip('there is no systemd-analyze on this machine')
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
  })

  it('is enabled and started, and taken out again', () => {
    const { start, stop, forget, isActive } = systemd('/c')
    const words = (calls: typeof start): readonly string[] => calls.map(({ tool, args }) => [tool, ...args].join(' '))
    expect(words([...start, ...stop, ...forget, isActive])).toEqual([
      'systemctl --user daemon-reload',
      'systemctl --user enable spillway.service',
      'systemctl --user restart spillway.service',
      'systemctl --user disable --now spillway.service',
      'systemctl --user daemon-reload',
      'systemctl --user is-active --quiet spillway.service',
    ])
  })
})

describe('the launch agent of macOS', () => {
  it('is a property list with the whole command, variables and the way to end', () => {
    const { path, text } = launchd('/Users/ann', 501).file({ ...PLAIN, env: { XDG_STATE_HOME: '/s' } })
    expect(path).toBe('/Users/ann/Library/LaunchAgents/dev.spillway.gateway.plist')
    expect(text).toContain('<string>--env-file-if-exists=/home/ann/.config/spillway/service.env</string>')
    expect([...text.matchAll(/<key>(\w+)<\/key>/g)].map(([, key]) => key)).toEqual([
      'Label',
      'ProgramArguments',
      'EnvironmentVariables',
      'XDG_STATE_HOME',
      'WorkingDirectory',
      'RunAtLoad',
      'KeepAlive',
      'SuccessfulExit',
      'ExitTimeOut',
      'Umask',
    ])
    const tags = [...text.matchAll(/<(\/?)(\w+)[^/>]*>/g)]
    const open = tags.filter(([, slash]) => slash === '').map(([, , tag]) => tag)
    expect(open.sort()).toEqual(
      tags
        .filter(([, slash]) => slash === '/')
        .map(([, , tag]) => tag)
        .sort(),
    )
  })

  it('escapes what XML would read', () => {
    const { text } = launchd('/Users/ann', 501).file(ODD)
    expect(text).toContain('<string>/a b/100%/$HOME/&lt;&amp;&gt;/main.js</string>')
    expect(text).toContain('<string>/st ate &amp; &quot;more&quot;</string>')
  })

  it('is loaded into the session of its user', () => {
    const { start, isActive } = launchd('/Users/ann', 501)
    expect(start.map(({ args }) => args.join(' '))).toEqual([
      'bootout gui/501/dev.spillway.gateway',
      'bootstrap gui/501 /Users/ann/Library/LaunchAgents/dev.spillway.gateway.plist',
    ])
    expect(start[0]?.mayFail).toBe(true)
    expect(isActive.args).toEqual(['print', 'gui/501/dev.spillway.gateway'])
  })
})

describe('the task of Windows', () => {
  it('is a definition in UTF-16 that runs from login on, without an end', () => {
    const { path, text, encoding } = windowsTask('C:\\State').file(PLAIN)
    expect(path).toBe('C:\\State\\service.xml')
    expect(encoding).toBe('utf16le')
    expect(text.startsWith('\uFEFF<?xml version="1.0" encoding="UTF-16"?>\r\n')).toBe(true)
    expect(text).toContain('<Command>/usr/bin/node</Command>')
    expect(text).toContain('<ExecutionTimeLimit>PT0S</ExecutionTimeLimit>')
    expect(text).toContain('<LogonTrigger>')
  })

  it('quotes words as programs of Windows split them', () => {
    const { text } = windowsTask('C:\\S').file(ODD)
    expect(text).toContain('<Command>C:\\Program Files\\node &quot;x&quot;\\node.exe</Command>')
    expect(text).toContain('serve &quot;ends with \\\\&quot;</Arguments>')
  })

  it('is made, run, ended and taken out by schtasks', () => {
    const { start, stop } = windowsTask('C:\\S')
    expect([...start, ...stop].map(({ tool, args }) => [tool, ...args].join(' '))).toEqual([
      'schtasks /End /TN Spillway',
      'schtasks /Create /TN Spillway /XML C:\\S\\service.xml /F',
      'schtasks /Run /TN Spillway',
      'schtasks /End /TN Spillway',
      'schtasks /Delete /TN Spillway /F',
    ])
  })
})
