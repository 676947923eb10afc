import { defineConfig } from 'vitest/config'

const MINUTE_MS = 60_000

/** The real model answers in well under a second; a busy machine may need much longer to load it. */
const shared = {
  environment: 'node' as const,
  globalSetup: ['test/support/global-setup.ts'],
  hookTimeout: MINUTE_MS,
  expect: { poll: { timeout: MINUTE_MS / 4 } },
  // A shared machine may stall for seconds. There a failed test runs once more, and the report marks it `(retry x1)`.
  retry: process.env.CI ? 1 : 0,
}

/** They read a lot with the real model, or break its process or the machine's peace: too slow for every change, and nothing runs beside them. */
const ALONE = [
  'test/faults/**/*.test.ts',
  'test/engine/adapter.test.ts',
  'test/engine/answers.test.ts',
  'test/engine/buddy.test.ts',
  'test/engine/candidate.test.ts',
  'test/engine/extract.test.ts',
  'test/engine/fetch.test.ts',
  'test/engine/heads.test.ts',
  'test/engine/host.test.ts',
  'test/engine/infill.test.ts',
  'test/engine/json.test.ts',
  'test/engine/patterns.test.ts',
  'test/engine/prefix-store.test.ts',
  'test/engine/second-opinion.test.ts',
  'test/engine/stop-check.test.ts',
  'test/engine/tiers.test.ts',
  'test/engine/typed-kinds.test.ts',
  'test/gateway/availability.test.ts',
  'test/gateway/hostile.test.ts',
  'test/eval/replay/other-policy.test.ts',
  'test/system/f29.test.ts',
]

/** They start many processes, and mostly wait for them. */
const SLOW = [
  'test/models/bundle.test.ts',
  'test/models/check-command.test.ts',
  'test/gateway/batches-restart.test.ts',
  'test/integrations/daemon.test.ts',
  'test/integrations/quality-check.test.ts',
  'test/telemetry/spans.test.ts',
  'test/stores/backup.test.ts',
  'test/cli/audit-egress.test.ts',
  'test/cli/babysit.test.ts',
  'test/cli/bad-input.test.ts',
  'test/cli/batch.test.ts',
  'test/cli/calibrate.test.ts',
  'test/cli/commands.test.ts',
  'test/cli/cost.test.ts',
  'test/cli/eval.test.ts',
  'test/cli/eval-study.test.ts',
  'test/cli/fits.test.ts',
  'test/cli/heads.test.ts',
  'test/cli/keys.test.ts',
  'test/cli/lab-cascade.test.ts',
  'test/cli/many-machines.test.ts',
  'test/cli/message-batches.test.ts',
  'test/cli/metrics.test.ts',
  'test/cli/models.test.ts',
  'test/cli/packed-rows.test.ts',
  'test/cli/preload.test.ts',
  'test/cli/provider-batch.test.ts',
  'test/cli/replay.test.ts',
  'test/cli/replay-regenerate.test.ts',
  'test/cli/review.test.ts',
  'test/cli/review-held.test.ts',
  'test/cli/rollout.test.ts',
  'test/cli/rollout-candidate.test.ts',
  'test/cli/store.test.ts',
  'test/cli/tasks.test.ts',
  'test/cli/tenant-ceilings.test.ts',
  'test/cli/tour.test.ts',
  'test/cli/uninstall.test.ts',
]

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          ...shared,
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: ['test/system/**', 'test/long/**', ...ALONE, ...SLOW],
          testTimeout: MINUTE_MS / 2,
        },
      },
      {
        test: {
          ...shared,
          name: 'system',
          include: ['test/system/**/*.test.ts', ...SLOW],
          exclude: ALONE,
          testTimeout: 5 * MINUTE_MS,
          maxWorkers: 2,
          sequence: { groupOrder: 1 },
        },
      },
      {
        test: {
          ...shared,
          name: 'system-alone',
          include: ALONE,
          testTimeout: 5 * MINUTE_MS,
          maxWorkers: 1,
          sequence: { groupOrder: 2 },
        },
      },
      { test: { ...shared, name: 'long', include: ['test/long/**/*.test.ts'], testTimeout: 60 * MINUTE_MS } },
    ],
  },
})
