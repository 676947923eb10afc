/** Figures of the published study, as they were published; our arithmetic is not theirs. */

/** @see Manojython/buddy-system, README of commit efa7991 (2026-06-22): 20 rows a set, Gemma 3 4B, no interval */
export const PUBLISHED = {
  source: 'buddy-system (2026): Gemma 3 4B, the first 20 rows of each set, n = 140',
  note: 'not comparable where sets differ: WikiANN there is wikigold here, SQuAD v2 without its unanswerable questions there is SQuAD v1.1 with constructed ones here; other local model, other frontiers, other metrics (labels parsed wrongly for STS-B, recall alone for names, no question in the prompt of the reviewer)',
  sets: ['AG News', 'WikiANN', 'STS-B', 'SST-2', 'GSM8K', 'SQuAD v2', 'HotpotQA'],
  conditions: {
    local: { accuracyPercent: 70.7, costUsd: 0, perSetPercent: [75, 60, 30, 90, 75, 90, 75] },
    buddy: { accuracyPercent: 71.4, costUsd: 0.21, perSetPercent: [75, 60, 30, 90, 80, 90, 75] },
    advisor_no_document: { accuracyPercent: 62.9, costUsd: 0.44, perSetPercent: [75, 70, 30, 95, 55, 60, 55] },
  },
} as const
