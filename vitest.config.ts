import { defineConfig } from 'vitest/config'

const MINUTE_MS = 60_000

/** The real model answers in well under a second; a busy machine may need much longer to load it. */
const shared = {
  environment: 'node' as const,
  globalSetup: ['test/support/global-setup.ts'],
  hookTimeout: MINUTE_MS,
  expect: { poll: { timeout: MINUTE_MS / 4 } },
}

/** They read a lot with the real model, or break its process: too slow to run with every change. */
const SLOW = [
  'test/faults/**/*.test.ts',
  'test/engine/{heads,json,typed-kinds,extract,stop-check}.test.ts',
  'test/models/bundle.test.ts',
  'test/cli/{babysit,calibrate,commands,eval,heads,keys,lab-cascade,models,preload,store,uninstall}.test.ts',
]

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          ...shared,
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: ['test/system/**', 'test/long/**', ...SLOW],
          testTimeout: MINUTE_MS / 2,
        },
      },
      {
        test: { ...shared, name: 'system', include: ['test/system/**/*.test.ts', ...SLOW], testTimeout: 5 * MINUTE_MS },
      },
      { test: { ...shared, name: 'long', include: ['test/long/**/*.test.ts'], testTimeout: 60 * MINUTE_MS } },
    ],
  },
})
