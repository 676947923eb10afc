/** A launch agent of macOS. */
import { join } from 'node:path'
import { commandOf, type ServiceManager, type ServiceSpec } from './managed-service.ts'
import { xmlText } from './xml-text.ts'

const LABEL = 'dev.spillway.gateway'

/** @param uid of the user, whose session it runs in */
export function launchd(home: string, uid: number): ServiceManager {
  const path = join(home, 'Library', 'LaunchAgents', `${LABEL}.plist`)
  const domain = `gui/${uid}`
  const bootout = { tool: 'launchctl', args: ['bootout', `${domain}/${LABEL}`], mayFail: true } as const
  return {
    name: 'launchd',
    file: (spec) => ({ path, text: plist(spec), encoding: 'utf8' }),
    start: [bootout, { tool: 'launchctl', args: ['bootstrap', domain, path] }],
    stop: [bootout],
    forget: [],
    isActive: { tool: 'launchctl', args: ['print', `${domain}/${LABEL}`] },
    note: 'It runs while you are logged in.',
  }
}

const STOP_SECONDS = 45

function plist(spec: ServiceSpec): string {
  const strings = commandOf(spec).map((word) => `      <string>${xmlText(word)}</string>`)
  const variables = Object.entries(spec.env).flatMap(([name, value]) => [
    `      <key>${xmlText(name)}</key>`,
    `      <string>${xmlText(value)}</string>`,
  ])
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    '<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">',
    '<plist version="1.0">',
    '  <dict>',
    '    <key>Label</key>',
    `    <string>${LABEL}</string>`,
    '    <key>ProgramArguments</key>',
    '    <array>',
    ...strings,
    '    </array>',
    ...(variables.length > 0 ? ['    <key>EnvironmentVariables</key>', '    <dict>', ...variables, '    </dict>'] : []),
    '    <key>WorkingDirectory</key>',
    `    <string>${xmlText(spec.home)}</string>`,
    '    <key>RunAtLoad</key>',
    '    <true/>',
    '    <key>KeepAlive</key>',
    '    <dict>',
    '      <key>SuccessfulExit</key>',
    '      <false/>',
    '    </dict>',
    '    <key>ExitTimeOut</key>',
    `    <integer>${STOP_SECONDS}</integer>`,
    '    <key>Umask</key>',
    '    <integer>63</integer>',
    '  </dict>',
    '</plist>',
    '',
  ].join('\n')
}
