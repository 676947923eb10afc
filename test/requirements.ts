/**
 * Every promised behaviour, where it is promised, and the test that fails when it breaks. `test/requirements.test.ts`
 * checks that each cited test exists.
 */
export interface Requirement {
  readonly behaviour: string
  /** Page that makes the promise. */
  readonly source: string
  /** Test file, and words of the title of one of its tests. */
  readonly citedBy: readonly { readonly file: string; readonly title: string }[]
}

export const REQUIREMENTS: readonly Requirement[] = [
  {
    behaviour: 'A plugin that fails accepts nothing, lets nothing out and stops nobody, whatever its kind',
    source: 'docs/guides/plugins.md',
    citedBy: [
      { file: 'test/integrations/plugins.test.ts', title: 'has not accepted, as a gate' },
      { file: 'test/integrations/plugins.test.ts', title: 'is passed over, as a solver' },
      { file: 'test/integrations/plugins.test.ts', title: 'lets nothing out, as a detector' },
      { file: 'test/integrations/plugins.test.ts', title: 'leaves the request to the cascade, as a pattern' },
      { file: 'test/integrations/plugins.test.ts', title: 'gives way to the next model, as an adapter' },
    ],
  },
  {
    behaviour: 'A pattern plugin asks nobody whom the rules left out',
    source: 'docs/guides/plugins.md',
    citedBy: [{ file: 'test/integrations/plugins.test.ts', title: 'cannot ask whom the rules left out' }],
  },
  {
    behaviour: 'Tools of an MCP client take the path of every request, and standard output carries the protocol alone',
    source: 'docs/guides/mcp.md',
    citedBy: [
      { file: 'test/cli/mcp.test.ts', title: 'answers from the real local model, decides, explains and counts' },
      { file: 'test/cli/mcp.test.ts', title: 'writes nothing but the protocol to standard output' },
    ],
  },
  {
    behaviour:
      'The model of an MCP client is a frontier: local_only text never reaches it, and the ledger has its line',
    source: 'docs/guides/mcp.md',
    citedBy: [
      { file: 'test/integrations/mcp-client-model.test.ts', title: 'never sees text that is local_only' },
      { file: 'test/integrations/mcp-client-model.test.ts', title: 'answers as a frontier: masked, with its line' },
    ],
  },
  {
    behaviour: 'A tool server gets an answer only where the policy allows it and a person agreed to the text',
    source: 'docs/guides/mcp.md',
    citedBy: [
      { file: 'test/integrations/mcp-sampling.test.ts', title: 'is refused while the policy does not switch that on' },
      { file: 'test/integrations/mcp-sampling.test.ts', title: 'waits for the agreement of a person' },
      { file: 'test/cli/mcp.test.ts', title: 'refuses what they ask of a model where no terminal is' },
    ],
  },
  {
    behaviour: 'A candidate runs beside what answers a task, serves nobody, asks no frontier and slows no caller',
    source: 'docs/guides/rollout.md',
    citedBy: [
      { file: 'test/pipeline/candidate.test.ts', title: 'is asked beside the shadow' },
      { file: 'test/pipeline/candidate.test.ts', title: 'begins after the caller has the answer, as background work' },
      { file: 'test/pipeline/candidate.test.ts', title: 'is dropped and counted when too many wait' },
      { file: 'test/pipeline/candidate.test.ts', title: 'runs on private text that never leaves' },
      { file: 'test/pipeline/candidate.test.ts', title: 'never runs when it is hosted' },
      {
        file: 'test/engine/candidate.test.ts',
        title: 'is left out where the model in force would have to leave memory',
      },
    ],
  },
  {
    behaviour: 'A candidate takes over only when it is shown to lose less than was allowed, however often one looked',
    source: 'docs/guides/rollout.md',
    citedBy: [
      { file: 'test/cli/rollout-candidate.test.ts', title: 'is started, reported on, promoted over the policy' },
      { file: 'test/cli/rollout-candidate.test.ts', title: 'does not put a worse one, or one of which too little' },
      { file: 'test/learn/paired-sequence.test.ts', title: 'in at most 5 of 100 histories in which it is the margin' },
      {
        file: 'test/eval/rollout/rotation-drive.test.ts',
        title: 'rejects a worse candidate, puts a better one in force',
      },
    ],
  },
  {
    behaviour:
      'A rollback takes back the last change: the model and prompt of before, or the stage; never a policy file',
    source: 'docs/guides/rollout.md',
    citedBy: [
      {
        file: 'test/pipeline/rotation.test.ts',
        title: 'brings back the model and prompt of before, in the same stage',
      },
      { file: 'test/pipeline/rotation.test.ts', title: 'brings no policy file back' },
    ],
  },
  {
    behaviour:
      'A held request is answered, released or refused by a person, and its caller gets what came of it in its own dialect',
    source: 'docs/guides/review.md',
    citedBy: [
      { file: 'test/gateway/held.test.ts', title: 'gets the answer of a person in the shape of its own dialect' },
      { file: 'test/gateway/held.test.ts', title: 'is released by a person with its kept text' },
      { file: 'test/gateway/held.test.ts', title: 'is sent again by its caller where its text is not kept' },
      {
        file: 'test/cli/review-held.test.ts',
        title: 'takes an answer, a release and a refusal, each with who and why',
      },
      { file: 'test/pipeline/held.test.ts', title: 'is waited for in one process and answered in another' },
    ],
  },
  {
    behaviour:
      'A release lets no private text out, obeys the kill switch, and each key sees its own held requests alone',
    source: 'docs/guides/review.md',
    citedBy: [
      { file: 'test/route/lift.test.ts', title: 'never lets private text out, never beats the kill switch' },
      { file: 'test/gateway/held.test.ts', title: 'never leaves when it is local_only, whoever releases it' },
      {
        file: 'test/gateway/held.test.ts',
        title: 'is seen by its own key and tenant, and decided by the operator alone',
      },
      { file: 'test/stores/held.test.ts', title: 'keep their texts and answers encrypted' },
    ],
  },
  {
    behaviour: 'A webhook hears of held requests at least once, signed, without text, and where the policy says alone',
    source: 'docs/guides/review.md',
    citedBy: [
      {
        file: 'test/gateway/held-webhook.test.ts',
        title: 'hears what is held and what became of it, signed, without any text',
      },
      {
        file: 'test/gateway/held-webhook.test.ts',
        title: 'hears the same message again after a failure, under the same id',
      },
      { file: 'test/gateway/held-webhook.test.ts', title: 'is told after a restart what it did not hear before' },
      { file: 'test/gateway/held-webhook.test.ts', title: 'is dialled where the policy says and nowhere else' },
    ],
  },
  {
    behaviour: 'A batch that is broken off goes on: each row has one line, and no frontier is called twice for a row',
    source: 'docs/guides/batch.md',
    citedBy: [
      { file: 'test/cli/batch.test.ts', title: 'goes on: every row has one line, and no frontier was called twice' },
      { file: 'test/cli/batch.test.ts', title: 'that are wrong are told by their line and kept apart' },
      { file: 'test/cli/batch.test.ts', title: 'a budget that is gone ends the run with 5' },
      { file: 'test/gateway/batches-restart.test.ts', title: 'goes on by itself: every row has one line' },
      { file: 'test/gateway/batches-restart.test.ts', title: 'loses nothing when it is told to stop' },
    ],
  },
  {
    behaviour:
      'Of rows that share a prompt each answer is checked alone, and what is missing or rejected is asked again',
    source: 'docs/guides/batch.md',
    citedBy: [
      { file: 'test/cli/packed-rows.test.ts', title: 'share a prompt, each answer is checked alone' },
      { file: 'test/cli/packed-rows.test.ts', title: 'are asked in groups of that size' },
    ],
  },
  {
    behaviour: "Calls that go into a provider's own batch pass masks, ledger and budget, and are paid for once",
    source: 'docs/guides/batch.md',
    citedBy: [
      { file: 'test/cli/provider-batch.test.ts', title: 'go to the provider together, through masks and ledger' },
      { file: 'test/cli/provider-batch.test.ts', title: 'reserve the price of a batch' },
      { file: 'test/cli/provider-batch.test.ts', title: 'stay here where text may not leave' },
      { file: 'test/cli/provider-batch.test.ts', title: 'fetches what was made, and pays for nothing twice' },
      { file: 'test/cli/provider-batch.test.ts', title: 'finds the batch by its mark' },
    ],
  },
  {
    behaviour:
      'Files and batches of a gateway are for the key and tenant that sent them, bounded, and gone when their time is over',
    source: 'docs/guides/batch.md',
    citedBy: [
      { file: 'test/gateway/batches.test.ts', title: 'is the key that sent it, under its own tenant and limits' },
      { file: 'test/gateway/batches.test.ts', title: 'is served before the rows of a batch' },
      { file: 'test/stores/batches.test.ts', title: 'is gone when its time is over, unless an open batch reads it' },
      {
        file: 'test/stores/batches.test.ts',
        title: 'deletes files and batches of a tenant, of a time, or with rows of a user',
      },
    ],
  },
  {
    behaviour: 'A task goes back by itself when live labels break its bound, or when inputs or signals drift',
    source: 'docs/guides/rollout.md',
    citedBy: [
      {
        file: 'test/pipeline/rollout-watch.test.ts',
        title: 'takes the task back to the stage before, with its model and policy',
      },
      { file: 'test/pipeline/rollout-watch.test.ts', title: 'close the gate: the stage goes back to shadow' },
      { file: 'test/pipeline/rollout-watch.test.ts', title: 'goes back to the frontier by itself' },
      { file: 'test/learn/drift.test.ts', title: 'alarms in at most 5 of 100 histories in which nothing changes' },
    ],
  },
  {
    behaviour: 'A shadow never slows its caller, never calls a frontier, and is dropped and counted when too many wait',
    source: 'docs/guides/rollout.md',
    citedBy: [
      { file: 'test/pipeline/shadow.test.ts', title: 'begins only after the caller has its answer' },
      { file: 'test/pipeline/shadow.test.ts', title: 'is dropped and counted when too many wait' },
      { file: 'test/pipeline/shadow.test.ts', title: 'says that nobody could tell, and asks no frontier for it' },
    ],
  },
  {
    behaviour: 'A task goes up a stage only on evidence that may be looked at at any time, and every move is audited',
    source: 'docs/guides/rollout.md',
    citedBy: [
      { file: 'test/cli/rollout.test.ts', title: 'goes up a stage at a time on evidence, and back' },
      { file: 'test/cli/rollout.test.ts', title: 'says what is missing, ends with 6 and changes nothing' },
      { file: 'test/learn/sequence.test.ts', title: 'is found in at most 5 of 100 histories at the limit' },
      { file: 'test/stores/rollouts.test.ts', title: 'is seen by every process within a fifth of a second' },
    ],
  },
  {
    behaviour: 'A tool loop keeps its model, and what a tool says can add stops but never leave',
    source: 'docs/guides/agents.md',
    citedBy: [
      { file: 'test/gateway/agents/agents.test.ts', title: 'keeps a local model through its tool loop' },
      { file: 'test/gateway/agents/agents.test.ts', title: 'adds hard stops: a local loop ends there' },
      { file: 'test/gateway/agents/agents.test.ts', title: 'makes a conversation private' },
      { file: 'test/route/continuity.test.ts', title: 'never adds an actor, and never takes the last one' },
    ],
  },
  {
    behaviour: 'A bare go-ahead inherits the turn before, and a warm cache is left only when that pays',
    source: 'docs/guides/agents.md',
    citedBy: [
      { file: 'test/gateway/agents/agents.test.ts', title: 'lets a bare leave to go on inherit the frontier' },
      { file: 'test/gateway/agents/agents.test.ts', title: 'holds a conversation while leaving it would cost more' },
    ],
  },
  {
    behaviour: 'A frontier-driven agent uses a local model as its subagent through the gateway',
    source: 'docs/guides/agents.md',
    citedBy: [{ file: 'test/gateway/agents/subagent.test.ts', title: 'asks a model at home as its reader' }],
  },
  {
    behaviour: 'A solver answers only what it read as a whole and in one way, and is right then',
    source: 'docs/guides/solvers.md',
    citedBy: [
      { file: 'test/solvers/dates.test.ts', title: 'counts the days between any two dates in every written form' },
      { file: 'test/solvers/dates.test.ts', title: 'never reads a text of other words' },
      { file: 'test/solvers/units.test.ts', title: 'converts every pair of a family as floating-point numbers do' },
      { file: 'test/solvers/precision.test.ts', title: 'answers half of the stories about dates' },
    ],
  },
  {
    behaviour: 'A local answer that states a false equation is not accepted',
    source: 'docs/guides/solvers.md',
    citedBy: [
      { file: 'test/solvers/equations.test.ts', title: 'agrees with whole-number arithmetic on random equations' },
      {
        file: 'test/samples/cascade/escalates-a-false-equation/expected.json',
        title: 'escalates an answer that states a false equation',
      },
    ],
  },
  {
    behaviour: 'A rule only removes; adding one never enlarges a set, and their order changes nothing',
    source: 'ARCHITECTURE.md',
    citedBy: [
      { file: 'test/route/route.test.ts', title: 'never grow when a removal is added' },
      { file: 'test/route/route.test.ts', title: 'do not depend on the order of removals' },
    ],
  },
  {
    behaviour: 'A hard stop beats any label, probability or wish of the caller',
    source: 'README.md',
    citedBy: [
      { file: 'test/route/route.test.ts', title: 'keeps an override from beating a hard stop' },
      { file: 'test/route/route.test.ts', title: 'never serve local after a hard stop' },
      {
        file: 'test/samples/cascade/registry-error-that-is-an-access-change/expected.json',
        title: 'lets a hard stop win over a perfect local label of .84',
      },
    ],
  },
  {
    behaviour:
      'A stop check only adds hard stops; its answer is never served, and it is off, and says so, without history',
    source: 'docs/guides/hard-stops.md',
    citedBy: [
      { file: 'test/pipeline/stop-check.test.ts', title: 'every request that is stopped without it is stopped' },
      { file: 'test/pipeline/stop-check.test.ts', title: 'never lets an answer be served degraded' },
      { file: 'test/pipeline/stop-check.test.ts', title: 'holds a stream back until it has spoken' },
      { file: 'test/pipeline/stop-check.test.ts', title: 'is off and says so, whatever the model would say' },
      { file: 'test/cli/stop-checks.test.ts', title: 'says which stop checks are off' },
      { file: 'test/engine/stop-check.test.ts', title: 'stops what its question says yes to' },
    ],
  },
  {
    behaviour:
      'A buddy puts in only what stands in the passages it sent, by offset; it never has an answer written anew, and switches itself off',
    source: 'docs/guides/patterns.md',
    citedBy: [
      { file: 'test/patterns/buddy-question.test.ts', title: 'never names evidence that does not stand where it says' },
      { file: 'test/decide/patch.test.ts', title: 'changes what it names and nothing else' },
      {
        file: 'test/samples/buddy/escalates-what-no-passage-holds/expected.json',
        title: 'asks nobody to rewrite anything',
      },
      {
        file: 'test/samples/buddy/private-text-is-asked-about-nowhere/expected.json',
        title: 'asks nobody about an answer to private text',
      },
      { file: 'test/pipeline/buddy-watch.test.ts', title: 'outlives the process' },
      { file: 'test/gateway/corrections.test.ts', title: 'comes with a ping between the text and the end' },
      { file: 'test/engine/buddy.test.ts', title: 'corrects it by what its passage says' },
    ],
  },
  {
    behaviour:
      'A verdict is one word; everything but ACCEPT rejects, and nothing that a check or a bound rejects is served for it',
    source: 'docs/guides/patterns.md',
    citedBy: [
      { file: 'test/patterns/draft-verify.test.ts', title: 'is unreadable' },
      {
        file: 'test/samples/draft_verify/takes-any-other-word-for-a-reject/expected.json',
        title: 'takes everything but the one word ACCEPT for a rejection',
      },
      {
        file: 'test/samples/draft_verify/a-check-is-not-overruled/expected.json',
        title: 'escalates a failed check without asking the verifier',
      },
      { file: 'test/engine/patterns.test.ts', title: 'serves the draft that the frontier accepts, streamed and whole' },
    ],
  },
  {
    behaviour:
      'An adviser sees the whole request, binds the local model, and is asked no more often than allowed; failures do not count',
    source: 'docs/guides/patterns.md',
    citedBy: [
      {
        file: 'test/samples/advisor/serves-what-the-adviser-approves/expected.json',
        title: 'shows it the whole document',
      },
      { file: 'test/patterns/advisor.test.ts', title: 'binds the local model in words that leave no choice' },
      {
        file: 'test/samples/advisor/a-failed-plan-is-given-back/expected.json',
        title: 'gives a failed consultation back',
      },
      { file: 'test/engine/patterns.test.ts', title: 'lets the model write again, bound to the plan' },
      { file: 'test/gateway/patterns.test.ts', title: 'gets heartbeats and nothing of the draft' },
    ],
  },
  {
    behaviour: 'The tool advisor_20260301 is executed for a local model and passes through to a provider that has it',
    source: 'docs/guides/patterns.md',
    citedBy: [
      { file: 'test/gateway/anthropic/advisor-tool.test.ts', title: 'the client sees call and advice as blocks' },
      { file: 'test/gateway/anthropic/advisor-tool.test.ts', title: 'passes through to a provider that has it' },
    ],
  },
  {
    behaviour: 'A vote ends as soon as it is decided, and never before',
    source: 'docs/guides/patterns.md',
    citedBy: [
      { file: 'test/patterns/consensus.test.ts', title: 'never stops early on a side that the open votes could still' },
      {
        file: 'test/samples/consensus/stops-asking-once-the-vote-is-decided/expected.json',
        title: 'asks no frontier once two local models say the same',
      },
      { file: 'test/engine/patterns.test.ts', title: 'reads the local vote from the distribution' },
    ],
  },
  {
    behaviour: 'Text of partition local_only never reaches a frontier',
    source: 'README.md',
    citedBy: [
      { file: 'test/route/route.test.ts', title: 'never name a frontier for local_only text' },
      { file: 'test/gateway/chat.test.ts', title: 'can tighten the partition and never loosen it' },
      {
        file: 'test/samples/cascade/local-only-text-never-leaves/expected.json',
        title: 'never sends local_only text to the frontier',
      },
    ],
  },
  {
    behaviour: 'A purge keeps digests: verify holds after it, and a deletion that nobody ordered is still seen',
    source: 'docs/guides/retention.md',
    citedBy: [
      { file: 'test/stores/retention.test.ts', title: 'is told apart from a deletion that nobody ordered' },
      { file: 'test/stores/retention.test.ts', title: 'is not undone by a journal that is moved again' },
      { file: 'test/stores/backup.test.ts', title: 'in a purge leaves each record whole or deleted with its link' },
    ],
  },
  {
    behaviour: 'A purge reaches the journals of running processes, kept examples and learned heads',
    source: 'docs/guides/retention.md',
    citedBy: [
      { file: 'test/stores/retention.test.ts', title: 'reaches what stands in its journal' },
      { file: 'test/stores/retention.test.ts', title: 'goes with its owner, with its age, and out of learned heads' },
    ],
  },
  {
    behaviour: 'Kept texts are in no file in plain, and every read is logged before it is shown',
    source: 'docs/guides/retention.md',
    citedBy: [
      { file: 'test/pipeline/keep-content.test.ts', title: 'nobody without the key reads a word of them' },
      { file: 'test/pipeline/keep-content.test.ts', title: 'leaves a line of each, that belongs to the chain' },
    ],
  },
  {
    behaviour: 'A restore leaves a whole store in its place at every moment, and keeps what was there',
    source: 'docs/guides/retention.md',
    citedBy: [
      { file: 'test/stores/backup.test.ts', title: 'in a restore leaves a whole store in the place' },
      { file: 'test/stores/backup.test.ts', title: 'takes the place of a store that cannot be read' },
    ],
  },
  {
    behaviour: 'Uninstall removes what is ours and follows no link',
    source: 'docs/guides/retention.md',
    citedBy: [{ file: 'test/cli/uninstall.test.ts', title: 'no link is followed, no foreign file touched' }],
  },
  {
    behaviour: 'Rejected text never reaches a streaming client',
    source: 'README.md',
    citedBy: [
      { file: 'test/gateway/chat.test.ts', title: 'never lets rejected text reach the client' },
      {
        file: 'test/samples/cascade/escalates-text-the-model-doubts/expected.json',
        title: 'never streams the rejected draft',
      },
    ],
  },
  {
    behaviour: 'Every call to a model is on disk before it is made, also after kill -9',
    source: 'README.md',
    citedBy: [
      { file: 'test/pipeline/pipeline.test.ts', title: 'holds the intent before any call and a line before each call' },
      { file: 'test/stores/journal-files.test.ts', title: 'every acknowledged entry is in the database, once' },
      { file: 'test/system/server.test.ts', title: 'loses no call that reached an upstream when it is killed' },
    ],
  },
  {
    behaviour: 'Retries never take more than 1.2 calls a request, and a breaker spares a provider that is down',
    source: 'docs/guides/operations.md',
    citedBy: [
      { file: 'test/faults/upstream-rate-limits.test.ts', title: 'F02 never takes more than 1.2 calls a request' },
      { file: 'test/pipeline/breaker.test.ts', title: 'opens after three failures in a row' },
    ],
  },
  {
    behaviour: 'A stream is complete only when its terminal event came',
    source: 'README.md',
    citedBy: [
      { file: 'test/faults/upstream-broken-streams.test.ts', title: 'F15 for every k of 40 streams' },
      { file: 'test/faults/stream-fuzz.test.ts', title: 'complete only with their terminal event' },
      { file: 'test/gateway/chat.test.ts', title: 'ends a broken answer with an error chunk, without [DONE]' },
    ],
  },
  {
    behaviour: 'No prompt, no answer and no key in audit or log by default',
    source: 'README.md',
    citedBy: [
      { file: 'test/pipeline/pipeline.test.ts', title: 'holds no text of the request or the answer by default' },
      { file: 'test/gateway/limits.test.ts', title: 'holds one line a request, without text, key or query' },
    ],
  },
  {
    behaviour: 'An answer accepted before a bound is proven says proven: false, and needs the task to allow it',
    source: 'docs/guides/policy.md',
    citedBy: [
      {
        file: 'test/samples/cascade/accepts-a-confident-label/expected.json',
        title: 'accepts a label whose probability reaches the limit',
      },
      {
        file: 'test/samples/cascade/escalates-while-no-bound-is-proven/expected.json',
        title: 'escalates every answer while no bound is proven',
      },
    ],
  },
  {
    behaviour: 'A missing signal rejects; it is never imputed',
    source: 'ARCHITECTURE.md',
    citedBy: [
      {
        file: 'test/samples/cascade/escalates-text-without-signals/expected.json',
        title: 'does not accept an answer whose signals are missing',
      },
    ],
  },
  {
    behaviour: 'Without a key nothing is made up: held, or the local answer marked degraded with who would be asked',
    source: 'README.md',
    citedBy: [
      {
        file: 'test/samples/cascade/holds-a-hard-stop-without-a-frontier/expected.json',
        title: 'holds a hard-stopped log for a human when no key is set',
      },
      {
        file: 'test/samples/cascade/marks-a-rejected-answer-degraded-without-a-key/expected.json',
        title: 'serves a gate-rejected answer marked degraded',
      },
    ],
  },
  {
    behaviour: 'Unknown cost is null, never 0',
    source: 'ARCHITECTURE.md',
    citedBy: [
      {
        file: 'test/samples/cascade/unknown-price-is-unknown-cost/expected.json',
        title: 'reports an unknown cost as null',
      },
    ],
  },
  {
    behaviour: 'Secrets are masked before anything leaves, and restored in the answer, streamed too',
    source: 'SECURITY.md',
    citedBy: [
      {
        file: 'test/samples/cascade/masks-secrets-on-the-way-out/expected.json',
        title: 'masks a secret before it reaches the frontier',
      },
      { file: 'test/pipeline/pipeline.test.ts', title: 'restores a masked secret in the streamed answer' },
    ],
  },
  {
    behaviour: 'The gateway survives a killed engine host and answers the next request',
    source: 'ARCHITECTURE.md',
    citedBy: [
      {
        file: 'test/system/server.test.ts',
        title: 'stays up when the engine host is killed in the middle of an answer',
      },
    ],
  },
  {
    behaviour: 'The same client program gets a usable answer whether local or frontier served it',
    source: 'docs/guides/gateway.md',
    citedBy: [{ file: 'test/gateway/chat.test.ts', title: 'reads a label, whoever answered' }],
  },
  {
    behaviour: 'Tool calls come back byte for byte',
    source: 'docs/guides/gateway.md',
    citedBy: [
      { file: 'test/gateway/chat.test.ts', title: 'go to the frontier, and the call comes back byte for byte' },
    ],
  },
  {
    behaviour: 'Imports go one way and everything up to the patterns is pure',
    source: 'ARCHITECTURE.md',
    citedBy: [
      { file: 'test/architecture.test.ts', title: 'import in one direction only' },
      { file: 'test/architecture.test.ts', title: 'stay pure up to the patterns' },
    ],
  },
  {
    behaviour: 'The entropy of the full vocabulary lies in the brackets that are reported',
    source: 'docs/reference/benchmarks.md',
    citedBy: [
      { file: 'test/long/entropy-brackets.test.ts', title: 'hold the exact entropy at 2,000 places' },
      { file: 'test/engine/answers.test.ts', title: 'holds the exact entropy with signals: exact' },
    ],
  },
  {
    behaviour: 'Words of a document come with their place in it, or not at all',
    source: 'docs/guides/decisions.md',
    citedBy: [
      { file: 'test/engine/typed-kinds.test.ts', title: 'finds the words of a document and their place' },
      { file: 'test/engine/typed-kinds.test.ts', title: 'says that a document holds no answer' },
    ],
  },
  {
    behaviour:
      'Answers of /v1/responses are kept only where the policy says so, for their key and tenant, and never local_only ones',
    source: 'docs/guides/gateway.md',
    citedBy: [
      { file: 'test/gateway/kept-responses.test.ts', title: 'unless the policy says so' },
      { file: 'test/gateway/kept-responses.test.ts', title: 'not of another tenant, and not of another key' },
      { file: 'test/gateway/kept-responses.test.ts', title: 'of a request whose text may not leave' },
      { file: 'test/gateway/kept-responses.test.ts', title: 'and not in plain text' },
    ],
  },
  {
    behaviour: 'A streamed response that breaks off never looks whole',
    source: 'docs/guides/gateway.md',
    citedBy: [
      { file: 'test/gateway/responses-stream.test.ts', title: 'ends with failed and error, and never looks whole' },
    ],
  },
  {
    behaviour: 'Vectors come from the one model that was named, through the one door',
    source: 'docs/guides/gateway.md',
    citedBy: [
      { file: 'test/gateway/embeddings.test.ts', title: 'is asked through the one door' },
      { file: 'test/gateway/embeddings.test.ts', title: 'nor does another model stand in for it' },
    ],
  },
  {
    behaviour: 'A suffix is never dropped: who cannot read it is not asked',
    source: 'docs/guides/gateway.md',
    citedBy: [
      {
        file: 'test/gateway/completions.test.ts',
        title: 'goes to a provider as it is, suffix and every field included',
      },
      { file: 'test/gateway/completions.test.ts', title: 'is a frontier for a suffix' },
    ],
  },
  {
    behaviour: 'A decision carries a probability for each option, or null where none was read',
    source: 'docs/guides/gateway.md',
    citedBy: [
      { file: 'test/gateway/decisions.test.ts', title: 'carry a probability for each option' },
      { file: 'test/gateway/decisions.test.ts', title: 'without probabilities' },
    ],
  },
  {
    behaviour: 'A ranking on which words and model disagree escalates',
    source: 'docs/guides/decisions.md',
    citedBy: [{ file: 'test/gateway/rerank.test.ts', title: 'escalates a ranking on which words and model disagree' }],
  },
  {
    behaviour: 'The fixed beginning of a prompt is evaluated once and restored, in private files within a limit',
    source: 'ARCHITECTURE.md',
    citedBy: [
      { file: 'test/engine/prefix-store.test.ts', title: 'are evaluated once, restored after another text' },
      { file: 'test/engine/prefix-store.test.ts', title: 'stay private, and within their limit' },
    ],
  },
  {
    behaviour: 'Waiting requests are served by priority, and refused when too many wait',
    source: 'ARCHITECTURE.md',
    citedBy: [
      { file: 'test/engine/sequence-pool.test.ts', title: 'serve interactive requests before background ones' },
      { file: 'test/engine/sequence-pool.test.ts', title: 'refuse at once when 256 requests wait' },
    ],
  },
  {
    behaviour: 'Three crashes in a minute take a model off; one costs an escalation',
    source: 'ARCHITECTURE.md',
    citedBy: [
      { file: 'test/faults/f24.test.ts', title: 'three crashes in a minute take the model off' },
      { file: 'test/faults/f24.test.ts', title: 'mid-answer costs an escalation' },
    ],
  },
  {
    behaviour: 'Requests side by side do not read each other',
    source: 'ARCHITECTURE.md',
    citedBy: [{ file: 'test/system/f29.test.ts', title: '200 parallel prompts with a marker each' }],
  },
  {
    behaviour: 'A local tier never names a destination outside this machine',
    source: 'docs/guides/local-servers.md',
    citedBy: [
      { file: 'test/spec/destination.test.ts', title: 'may not live on another machine, a private network included' },
    ],
  },
  {
    behaviour: 'A prompt that a server cut is an error, not an answer',
    source: 'docs/guides/local-servers.md',
    citedBy: [
      {
        file: 'test/models/ollama.test.ts',
        title: 'together with its answer gives an error, since the beginning was dropped',
      },
      { file: 'test/models/ollama.test.ts', title: 'and has few words is known by the half window that was read' },
    ],
  },
  {
    behaviour: 'A proven accept threshold breaks its error bound in at most 5 of 100 draws of labels',
    source: 'README.md',
    citedBy: [
      { file: 'test/learn/bounds.test.ts', title: 'breaks its bound in at most 5 of 100 draws of labels' },
      { file: 'test/learn/bounds.test.ts', title: 'not when only fair labels prove it' },
    ],
  },
  {
    behaviour: 'A gate that breaks its bound closes for every process',
    source: 'docs/guides/calibration.md',
    citedBy: [
      { file: 'test/pipeline/calibration.test.ts', title: 'is closed by its audited accepts, for every process' },
      { file: 'test/learn/calibrate.test.ts', title: 'notices an error of twice the limit within 400 labels' },
    ],
  },
  {
    behaviour: 'A bound holds for one model, prompt and set of options, and for labels that are not too old',
    source: 'docs/guides/calibration.md',
    citedBy: [
      {
        file: 'test/pipeline/calibration.test.ts',
        title: 'says nothing about another model, prompt or set of options',
      },
      { file: 'test/pipeline/calibration.test.ts', title: 'does not count when it was' },
    ],
  },
  {
    behaviour: 'No label both fits a score and proves a threshold, and labels that a gate selected never prove',
    source: 'ARCHITECTURE.md',
    citedBy: [
      { file: 'test/learn/calibrate.test.ts', title: 'proves a threshold on other labels' },
      { file: 'test/learn/calibrate.test.ts', title: 'keeps labels that the gate selected out of the proof' },
      { file: 'test/learn/calibrate.test.ts', title: 'keeps the part of a label for ever' },
    ],
  },
  {
    behaviour: 'A missed acceptance bar ends `spillway eval` with exit code 6; a bar that nothing measured is missed',
    source: 'docs/guides/evaluation.md',
    citedBy: [
      { file: 'test/cli/eval.test.ts', title: 'ends with 6 when a bar is missed' },
      { file: 'test/eval/evaluation.test.ts', title: 'holds the bars of the policy and of each task' },
    ],
  },
  {
    behaviour: 'A head learned from traffic comes into force only when a paired comparison excludes a loss',
    source: 'docs/guides/learning.md',
    citedBy: [
      { file: 'test/eval/fit-head.test.ts', title: 'is not promoted when the paired interval does not exclude a loss' },
      { file: 'test/cli/heads.test.ts', title: 'learns from kept examples with the real model' },
    ],
  },
  {
    behaviour: 'Texts are kept only when the policy says so, masked, and never those of local_only requests',
    source: 'docs/guides/learning.md',
    citedBy: [{ file: 'test/pipeline/keep-example.test.ts', title: "is nothing without the policy's word" }],
  },
  {
    behaviour: 'A prior never accepts, never costs a request its answer, and is used only when it pays',
    source: 'docs/guides/learning.md',
    citedBy: [
      { file: 'test/route/route.test.ts', title: 'never leave a request without an answer because of a prior' },
      { file: 'test/eval/fit-prior.test.ts', title: 'says so when it does not pay' },
    ],
  },
  {
    behaviour: 'A budget is a ceiling: what cannot be reserved is not sent, over all processes of a machine',
    source: 'docs/guides/money.md',
    citedBy: [
      {
        file: 'test/stores/budgets.test.ts',
        title: 'holds over four processes with two hundred calls at once in each',
      },
      { file: 'test/pipeline/budget.test.ts', title: 'refuses a call that may cost more than is left' },
      { file: 'test/gateway/ceilings.test.ts', title: 'is capped with what was reserved' },
    ],
  },
  {
    behaviour: 'A line of the egress ledger is on disk before bytes leave, and what left of a class can be proven',
    source: 'docs/guides/privacy.md',
    citedBy: [
      { file: 'test/pipeline/pipeline.test.ts', title: 'holds a line in the ledger for every call that leaves' },
      { file: 'test/cli/audit-egress.test.ts', title: 'is broken by a local_only request that left' },
    ],
  },
  {
    behaviour: 'Nothing in a request, and no answer of a name server, makes anybody dial what the policy does not name',
    source: 'SECURITY.md',
    citedBy: [
      { file: 'test/faults/f64.test.ts', title: 'goes where the policy says, whatever stands in body and headers' },
      { file: 'test/faults/f64.test.ts', title: 'reads no schema behind' },
      { file: 'test/faults/f64-doors.test.ts', title: 'asks nobody but the models of the policy' },
      { file: 'test/gateway/named-destinations.test.ts', title: 'stays here at every depth' },
      { file: 'test/faults/f09.test.ts', title: 'that leads to this machine the second time is not dialled' },
      { file: 'test/faults/f11.test.ts', title: 'nothing goes to the other host' },
      { file: 'test/architecture.test.ts', title: 'is one file; who else opens a connection stays on this machine' },
    ],
  },
  {
    behaviour:
      'A certificate that proves nothing is refused before a byte of the request is sent, whatever the environment says',
    source: 'SECURITY.md',
    citedBy: [{ file: 'test/faults/f10.test.ts', title: 'is refused, and no byte of the request reaches it' }],
  },
  {
    behaviour: 'A conversation stays as private as its most private request was, over processes and restarts',
    source: 'docs/guides/privacy.md',
    citedBy: [
      { file: 'test/pipeline/partition.test.ts', title: 'with an id that was local_only once stays so' },
      { file: 'test/pipeline/partition.test.ts', title: 'when the client names it later, no more, or anew' },
      { file: 'test/stores/conversations.test.ts', title: 'is so after a restart' },
    ],
  },
  {
    behaviour:
      'For local_only text no client of a frontier is made, and a detector that fails or is slow makes text local_only',
    source: 'docs/guides/privacy.md',
    citedBy: [
      { file: 'test/pipeline/partition.test.ts', title: 'for a local_only request no client of a frontier is made' },
      { file: 'test/gateway/local-only-fields.test.ts', title: 'never leaves, in whatever field' },
      { file: 'test/pipeline/partition.test.ts', title: 'that takes longer than the policy allows' },
    ],
  },
  {
    behaviour: 'Text that is not public goes only to frontiers of an allowed residency and host',
    source: 'docs/guides/privacy.md',
    citedBy: [
      { file: 'test/route/residency.test.ts', title: 'are those of residency' },
      { file: 'test/route/residency.test.ts', title: 'are nobody where none is allowed' },
    ],
  },
  {
    behaviour: 'What leaves anonymised holds nothing that a detector finds, and never what anybody said is local_only',
    source: 'docs/guides/privacy.md',
    citedBy: [
      { file: 'test/pipeline/anonymise.test.ts', title: 'holds nothing that a detector finds' },
      { file: 'test/pipeline/anonymise.test.ts', title: 'says local_only as well' },
      { file: 'test/cli/audit-egress.test.ts', title: 'names what left anonymised apart' },
    ],
  },
  {
    behaviour: 'A record of the audit that was changed, removed or made up is shown by `audit verify`',
    source: 'docs/guides/privacy.md',
    citedBy: [
      { file: 'test/stores/audit-chain.test.ts', title: 'shows that its end was cut off only against an anchor' },
      { file: 'test/cli/audit-verify.test.ts', title: 'holds, and is broken by a change' },
    ],
  },
  {
    behaviour: 'No answer of the cache crosses tenants, and none is given for private text, tools or hard stops',
    source: 'docs/guides/money.md',
    citedBy: [
      { file: 'test/pipeline/cache.test.ts', title: 'tells apart all that shapes an answer' },
      { file: 'test/pipeline/cache.test.ts', title: 'is not asked for variety, tools, private text' },
    ],
  },
  {
    behaviour: 'A request with an idempotency key is answered once, however often it is sent',
    source: 'docs/guides/gateway.md',
    citedBy: [
      { file: 'test/gateway/idempotency.test.ts', title: 'is answered once, however often it is sent' },
      { file: 'test/faults/f53.test.ts', title: 'pairs at once, half of them streams' },
      { file: 'test/faults/f54.test.ts', title: 'another body, or the same one as a stream' },
      { file: 'test/faults/f55.test.ts', title: 'is replayed by the next gateway' },
      { file: 'test/faults/f55.test.ts', title: 'is asked for once more, which is said' },
    ],
  },
  {
    behaviour: 'A key may do what its scope says and nothing else; it only narrows what the policy allows',
    source: 'docs/guides/gateway.md',
    citedBy: [
      { file: 'test/gateway/key-scopes.test.ts', title: 'answers these tasks, and refuses others' },
      { file: 'test/gateway/key-scopes.test.ts', title: 'asks none but these' },
      { file: 'test/gateway/key-scopes.test.ts', title: 'is of its only tenant' },
      { file: 'test/gateway/key-scopes.test.ts', title: 'is refused with its own ceiling' },
      { file: 'test/gateway/key-scopes.test.ts', title: 'never brings a local model back after a hard stop' },
      { file: 'test/cli/keys.test.ts', title: 'loses none when many are issued at the same instant' },
    ],
  },
  {
    behaviour:
      'A rate limit holds over processes, restarts and clock jumps, and a client that hangs up frees its place',
    source: 'docs/guides/gateway.md',
    citedBy: [
      { file: 'test/faults/f58.test.ts', title: 'never get more than the limit in a minute' },
      { file: 'test/gateway/key-limits.test.ts', title: 'do not care about a wall clock that jumps' },
      { file: 'test/gateway/key-limits.test.ts', title: 'a client that hangs up frees its place' },
    ],
  },
  {
    behaviour: 'A wrong key opens nothing, and no key stands in a log or a file but as a hash',
    source: 'README.md',
    citedBy: [
      { file: 'test/faults/f65.test.ts', title: 'and no call of a model' },
      { file: 'test/faults/f65.test.ts', title: 'stand in no log and no file' },
    ],
  },
  {
    behaviour:
      'An order of the kill switch is obeyed by every process within a second, survives a restart and fails closed',
    source: 'docs/guides/operations.md',
    citedBy: [
      { file: 'test/stores/kill-switch.test.ts', title: 'is obeyed by every process within a fifth of a second' },
      { file: 'test/pipeline/kill-switch.test.ts', title: 'is obeyed by a request that is under way' },
    ],
  },
  {
    behaviour: 'A changed policy is in force within seconds; a broken one keeps the last good policy and is shown',
    source: 'docs/guides/operations.md',
    citedBy: [
      { file: 'test/gateway/reload.test.ts', title: 'lets what is under way end with the router it began with' },
      { file: 'test/system/server.test.ts', title: 'takes a changed policy within seconds' },
    ],
  },
  {
    behaviour: 'A key or a region that is limited rests by itself, and the next is used at once',
    source: 'docs/guides/operations.md',
    citedBy: [
      { file: 'test/gateway/availability.test.ts', title: 'uses the next key at once when one is limited' },
      { file: 'test/gateway/availability.test.ts', title: 'lets a limited key rest by itself' },
      { file: 'test/gateway/availability.test.ts', title: 'is asked in the next one when the first is away' },
    ],
  },
  {
    behaviour:
      'A frontier that answers in place of another is marked degraded, and a degraded local answer never answers a hard stop',
    source: 'docs/guides/operations.md',
    citedBy: [
      { file: 'test/gateway/availability.test.ts', title: 'the third answers, marked degraded' },
      {
        file: 'test/gateway/stops-and-wishes.test.ts',
        title: 'is not answered by a local model because the frontier is',
      },
      { file: 'test/gateway/stops-and-wishes.test.ts', title: 'is not beaten by' },
    ],
  },
  {
    behaviour: 'Until headersAfter a failure is a true status code, after it an error event without an end',
    source: 'docs/guides/gateway.md',
    citedBy: [
      { file: 'test/gateway/three-seconds.test.ts', title: 'after 2.9 s makes a stream a 429' },
      { file: 'test/gateway/three-seconds.test.ts', title: 'after 3.1 s makes it an error event' },
    ],
  },
  {
    behaviour: 'A client that leaves cuts off its upstream wherever its request is, and what was spent is booked',
    source: 'docs/guides/gateway.md',
    citedBy: [
      { file: 'test/gateway/client-gone.test.ts', title: 'while it waits for the whole answer' },
      { file: 'test/gateway/client-gone.test.ts', title: 'in the middle of a stream' },
      { file: 'test/gateway/client-gone.test.ts', title: 'while a limited frontier is waited for' },
      { file: 'test/gateway/client-gone.test.ts', title: 'while it waits for its turn' },
      { file: 'test/gateway/client-gone.test.ts', title: 'while its answer is held back' },
    ],
  },
  {
    behaviour:
      'A Messages request reaches a provider of its dialect as it was sent, and its answer comes back as it came',
    source: 'docs/guides/gateway.md',
    citedBy: [
      { file: 'test/gateway/anthropic/direct.test.ts', title: 'goes out as it came but for the model' },
      { file: 'test/gateway/anthropic/direct.test.ts', title: 'relays what providers sent byte by byte' },
      {
        file: 'test/gateway/anthropic/coding-agent.test.ts',
        title: 'reaches the provider request by request as it was sent',
      },
    ],
  },
  {
    behaviour:
      'A proxy counts when the policy says so, sees nothing of what goes through it, and serves no model on this machine',
    source: 'docs/guides/operations.md',
    citedBy: [
      { file: 'test/models/proxy.test.ts', title: 'sees nothing of what goes through it' },
      { file: 'test/models/proxy.test.ts', title: 'of the environment is not used when' },
      { file: 'test/models/proxy.test.ts', title: 'is never used for a model on this machine' },
    ],
  },
  {
    behaviour: 'A model behind a package of the AI SDK is sent to through the same door as every other',
    source: 'docs/guides/policy.md',
    citedBy: [
      { file: 'test/models/ai-sdk.test.ts', title: 'answers through the door, with its text masked' },
      { file: 'test/models/ai-sdk.test.ts', title: 'sends to the origin of the policy only' },
      { file: 'test/models/ai-sdk.test.ts', title: 'answers by its own package' },
    ],
  },
  {
    behaviour:
      'Records reach Postgres once, later changes and deletions too, whatever happens to Postgres or to the process',
    source: 'docs/guides/many-machines.md',
    citedBy: [
      { file: 'test/system/postgres.test.ts', title: 'row by row and byte by byte, each machine under its name' },
      { file: 'test/system/postgres.test.ts', title: 'by kill -9 in the middle of copying: every row is there once' },
      { file: 'test/system/postgres.test.ts', title: 'it is kept, and reaches Postgres later' },
    ],
  },
  {
    behaviour: 'No request waits for Postgres or for Valkey, and none fails because of them',
    source: 'docs/guides/many-machines.md',
    citedBy: [
      { file: 'test/system/postgres.test.ts', title: 'requests end while not one row is through' },
      { file: 'test/system/valkey.test.ts', title: 'requests are answered while its commands are held back' },
      { file: 'test/system/valkey.test.ts', title: 'no request fails, this machine counts for itself' },
    ],
  },
  {
    behaviour:
      'Nothing of a request is dropped in silence where it is translated, and arguments of tools stay byte for byte',
    source: 'docs/reference/translation.md',
    citedBy: [
      { file: 'test/gateway/anthropic/translation.test.ts', title: 'refuses what would mean something else there' },
      {
        file: 'test/gateway/anthropic/translation.test.ts',
        title: 'tells in a header and in the answer what the model was not asked',
      },
      { file: 'test/gateway/anthropic/translation.test.ts', title: 'reach a client of the other dialect byte by byte' },
      { file: 'test/gateway/anthropic/round-trip.test.ts', title: 'comes back as it was from the OpenAI dialect' },
    ],
  },
  {
    behaviour: 'Every text of a Messages body is masked, and a secret where none can be masked holds the request',
    source: 'docs/guides/gateway.md',
    citedBy: [
      { file: 'test/gateway/anthropic/masking.test.ts', title: 'is masked in every text of a body' },
      { file: 'test/gateway/anthropic/masking.test.ts', title: 'which cannot be masked, holds the request' },
      {
        file: 'test/gateway/anthropic/masking.test.ts',
        title: 'stands in a stream again, wherever the pieces are cut',
      },
    ],
  },
  {
    behaviour:
      'What is not copied yet outlives retention for a stated time; what is lost after it is counted and an alarm',
    source: 'docs/guides/many-machines.md',
    citedBy: [
      { file: 'test/stores/retention.test.ts', title: 'leaves what is not copied yet for as long as it is held' },
      { file: 'test/system/postgres.test.ts', title: 'retention waits for as long as the policy says' },
    ],
  },
  {
    behaviour:
      'The clients that people use work as they are: chat, streams, tools, structured output, errors, retries, abort, time-outs',
    source: 'docs/guides/clients.md',
    citedBy: [
      { file: 'test/system/clients.test.ts', title: '$name: $means' },
      { file: 'test/system/clients.test.ts', title: 'found what the page says' },
      { file: 'test/system/clients.test.ts', title: 'prints the answer as it stands in the guide' },
    ],
  },
  {
    behaviour:
      'Limits of keys are counted over all gateways, and never exceeded, where the policy names a server for it',
    source: 'docs/guides/many-machines.md',
    citedBy: [
      {
        file: 'test/system/valkey.test.ts',
        title: 'are never exceeded by processes that take permits at the same time',
      },
    ],
  },
  {
    behaviour: 'A cascade climbs its tiers, records the verdicts on each and asks none that may not be asked',
    source: 'docs/guides/patterns.md',
    citedBy: [
      {
        file: 'test/samples/cascade/tiers-climb-to-the-top/expected.json',
        title:
          "hands an answer that each local tier's gates rejected to the frontier, and records the verdicts on each",
      },
      {
        file: 'test/samples/cascade/tiers-private-text-climbs-at-home-only/expected.json',
        title: 'drops every hosted tier for text that may not leave',
      },
      { file: 'test/route/tiers.test.ts', title: 'never names a model twice, and none that may not be asked' },
    ],
  },
  {
    behaviour: 'Code that a check runs stays within its limits, and without rights where the system can shut it in',
    source: 'docs/guides/verify.md',
    citedBy: [
      {
        file: 'test/models/check-command.test.ts',
        title: 'is ended with all it started when its time is over',
      },
      { file: 'test/models/check-command.test.ts', title: 'reads no environment but PATH, HOME, TMPDIR' },
      {
        file: 'test/models/check-command.test.ts',
        title: 'can write nowhere else, not even after an attempt to mount',
      },
      { file: 'test/gates/verify.test.ts', title: 'accepts nothing when the command was not run' },
    ],
  },
  {
    behaviour: 'A subtask is a request of its own: bounded in depth, as private as its parent, paid from one limit',
    source: 'docs/guides/patterns.md',
    citedBy: [
      { file: 'test/pipeline/subtask.test.ts', title: 'deep and makes' },
      { file: 'test/pipeline/subtask.test.ts', title: 'is as private as the request that asks it' },
      { file: 'test/pipeline/subtask.test.ts', title: 'spends one limit for all of them' },
    ],
  },
  {
    behaviour: 'A digest invents nothing and leaves out no line of hard-stop evidence',
    source: 'docs/guides/patterns.md',
    citedBy: [
      { file: 'test/classify/digest.test.ts', title: 'invents nothing: every kept line is a line of the source' },
      { file: 'test/classify/digest.test.ts', title: 'keeps every line of hard-stop evidence, however often it comes' },
      {
        file: 'test/samples/assist/hard-stop-evidence-stays-word-for-word/expected.json',
        title: 'lets local assist after a hard stop, and keeps its evidence word for word',
      },
    ],
  },
  {
    behaviour:
      'The six figures are equal on the command line, on the admin page and for Prometheus, and null where nothing is known',
    source: 'docs/guides/metrics.md',
    citedBy: [
      { file: 'test/cli/metrics.test.ts', title: 'are the same on the command line and on the admin page' },
      {
        file: 'test/cli/metrics.test.ts',
        title: 'are the same for Prometheus, which gets no series for what is not known',
      },
      {
        file: 'test/eval/metrics/report.test.ts',
        title: 'give the same figures: accepted, rejected, sent away and drawn',
      },
    ],
  },
  {
    behaviour: 'The cost plan is exact, and says which tiers pay',
    source: 'docs/guides/money.md',
    citedBy: [
      {
        file: 'test/eval/cost-plan.test.ts',
        title: 'costs $0.1125 a day and $3.375 a month with three quarters answered locally',
      },
      { file: 'test/eval/cost-plan.test.ts', title: 'is about 490 requests a day by what routing saves' },
      { file: 'test/eval/cost-plan.test.ts', title: 'leaves out the tier that does not pay' },
    ],
  },
  {
    behaviour: 'Loops of agents get exactly the promised keys, and are told before the call when a person must approve',
    source: 'docs/guides/daemons.md',
    citedBy: [
      { file: 'test/integrations/quality-check.test.ts', title: 'has exactly the keys of the contract' },
      {
        file: 'test/integrations/quality-check.test.ts',
        title: 'is told before anybody is asked, and with the outcome',
      },
      { file: 'test/integrations/quality-check.test.ts', title: 'changes nothing in who answers' },
      { file: 'test/integrations/daemon.test.ts', title: 'asks a person before an action that cannot be undone' },
      { file: 'test/integrations/daemon.test.ts', title: 'stands still under the kill switch' },
    ],
  },
  {
    behaviour: 'Same record, same policy: same decision; what hangs on text alone is counted and never guessed',
    source: 'docs/guides/replay.md',
    citedBy: [
      {
        file: 'test/eval/replay/same-policy.test.ts',
        title: 'comes to the decision on record, whatever the policy and the circumstances were',
      },
      {
        file: 'test/eval/replay/other-policy.test.ts',
        title: 'comes to what the router itself does when the same requests are made under the other policy',
      },
      { file: 'test/eval/replay/replay.test.ts', title: 'and not guessed' },
      { file: 'test/cli/replay.test.ts', title: 'says which keys differ, and what follows' },
      {
        file: 'test/cli/replay-regenerate.test.ts',
        title: 'leaves a line in the log for each text that it read',
      },
    ],
  },
  {
    behaviour:
      'Untyped traffic becomes tasks to review, whose match takes the requests of one application and no others',
    source: 'docs/guides/discover.md',
    citedBy: [
      {
        file: 'test/eval/discover/discover.test.ts',
        title: 'a match that takes its requests and no others',
      },
      { file: 'test/eval/discover/discover.test.ts', title: 'finds 10 of 12 applications, and the right kind for 9' },
      {
        file: 'test/eval/discover/discover.test.ts',
        title: 'reads neither the name of the application nor the right answer',
      },
      { file: 'test/cli/tasks.test.ts', title: 'prints a policy that policy check accepts' },
    ],
  },
  {
    behaviour: 'A log says what would have been saved before anything is switched, stores nothing and makes no risk up',
    source: 'docs/guides/discover.md',
    citedBy: [
      { file: 'test/cli/tasks.test.ts', title: 'says what would have been saved, what stays and why' },
      { file: 'test/cli/tasks.test.ts', title: 'compares solvers with the answers in the log, with an interval' },
      { file: 'test/cli/tasks.test.ts', title: 'stores nothing' },
    ],
  },
]
