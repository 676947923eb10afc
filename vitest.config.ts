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
  'test/engine/{adapter,answers,buddy,candidate,extract,fetch,heads,host,infill,json,patterns,prefix-store,second-opinion,stop-check,tiers,typed-kinds}.test.ts',
  'test/models/{bundle,check-command}.test.ts',
  'test/gateway/{availability,batches-restart,hostile}.test.ts',
  'test/integrations/{daemon,quality-check}.test.ts',
  'test/eval/replay/other-policy.test.ts',
  'test/stores/backup.test.ts',
  'test/cli/{audit-egress,babysit,bad-input,batch,calibrate,commands,cost,eval,eval-study,fits,heads,keys,lab-cascade,many-machines,metrics,models,packed-rows,preload,provider-batch,replay,replay-regenerate,review,review-held,rollout,rollout-candidate,store,tasks,tenant-ceilings,tour,uninstall}.test.ts',
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
