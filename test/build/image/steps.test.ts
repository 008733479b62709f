/** Messages of both builders, as they were seen, become events of steps. */
import { describe, expect, it } from 'vitest';
import { encodeStatus } from '../../../src/build/image/buildkit-messages.ts';
import { createBuildKitSteps } from '../../../src/build/image/buildkit-steps.ts';
import { createClassicSteps } from '../../../src/build/image/classic-steps.ts';
import { createStepPlaces } from '../../../src/build/image/step-places.ts';
import { lastWordsOf, titleOf } from '../../../src/build/image/steps.ts';
import { RemoteError } from '../../../src/core/errors.ts';

const bytes = Buffer.from('FROM x\nENV A=1\nRUN a\nRUN b\n');
const places = createStepPlaces({ bytes, map: [{ file: 'Dockerfile', line: 1, count: 4 }] });

describe('createClassicSteps', () => {
  const read = (steps: ReturnType<typeof createClassicSteps>, ...streams: string[]) =>
    streams.flatMap((stream, index) => steps.read({ stream }, index));
  const started = (step: string, title: string, at: number) => {
    return { type: 'started', step, title, origin: `Dockerfile:${step}`, at };
  };

  it('tells each step, what it printed and how it ended', () => {
    const told = read(
      createClassicSteps(places),
      ...['Step 1/4 : FROM x', '\n', ' ---> e1bdf82599aa\n'],
      ...['Step 2/4 : ENV A=1', '\n', ' ---> Using cache\n', ' ---> 4c581eb9774b\n'],
      ...['Step 3/4 : RUN a', '\n', ' ---> Running in 5163ee8b15c8\n', 'hi\n', '\n', ' ---> x\n'],
      ...['Removing intermediate container 5163ee8b15c8\n', ' ---> e6753caeecfa\n'],
      ...['Successfully built e6753caeecfa\n', 'Successfully tagged x:y\n'],
    );
    expect(told).toEqual([
      started('1', 'FROM x', 0),
      { type: 'ended', step: '1', state: 'hit', at: 3 },
      started('2', 'ENV A=1', 3),
      { type: 'ended', step: '2', state: 'hit', at: 7 },
      started('3', 'RUN a', 7),
      { type: 'output', step: '3', text: 'hi\n' },
      { type: 'output', step: '3', text: '\n' },
      { type: 'output', step: '3', text: ' ---> x\n' },
      { type: 'ended', step: '3', state: 'miss', at: 15 },
    ]);
  });

  it('takes no steps from a command that prints some', () => {
    const steps = createClassicSteps(places);
    read(steps, 'Step 3/4 : RUN a', '\n');
    const fakes = ['Step 3/4 : RUN a', 'Step 1/4 : FROM x', 'Step 5/5 : RUN c', 'Step 0/4 : x'];
    expect(read(steps, ...fakes)).toEqual(
      fakes.map((text) => ({ type: 'output', step: '3', text })),
    );
    expect(read(steps, 'Step 4/4 : RUN b').at(-1)).toEqual(started('4', 'RUN b', 0));
  });

  it('ends the last step where labels follow that no file has', () => {
    const told = read(
      createClassicSteps(places),
      ...['Step 4/6 : RUN b', '\n', 'hi\n'],
      ...['Step 5/6 : LABEL ekiden.install=one', '\n', ' ---> Running in 5163ee8b15c8\n'],
      ...['Step 6/6 : LABEL ekiden.project=1', '\n', ' ---> Running in e6753caeecfa\n'],
      'Successfully built e6753caeecfa\n',
    );
    expect(told).toEqual([
      started('4', 'RUN b', 0),
      { type: 'output', step: '4', text: 'hi\n' },
      { type: 'ended', step: '4', state: 'miss', at: 3 },
    ]);
  });

  it('says what is pulled, without its progress, and takes FROM for new then', () => {
    const steps = createClassicSteps(places);
    read(steps, 'Step 1/4 : FROM x', '\n');
    const pull = [
      { status: 'Pulling from x', id: '1' },
      { status: 'Downloading', id: 'abc' },
      { status: 'Pull complete', id: 'abc' },
    ];
    expect(pull.flatMap((message) => steps.read(message, 5))).toEqual([
      { type: 'said', text: '1: Pulling from x\n' },
      { type: 'said', text: 'abc: Pull complete\n' },
    ]);
    expect(steps.current.image).toBe('x');
    expect(steps.end('failed', 9)).toEqual([{ type: 'ended', step: '1', state: 'failed', at: 9 }]);
    expect(steps.end('failed', 9)).toEqual([]);
  });

  it('knows what ran last', () => {
    const steps = createClassicSteps(places);
    expect(steps.current).toEqual({ line: undefined, lastWords: '', image: undefined });
    read(steps, 'Step 4/4 : RUN b', '\n', 'No space left on device\n');
    steps.end('failed', 1);
    expect(steps.current).toMatchObject({ line: 4, lastWords: 'No space left on device\n' });
  });
});

describe('createBuildKitSteps', () => {
  const time = (ms: number) => ({ seconds: 1, nanos: ms * 1e6 });
  const trace = (status: object) => ({
    id: 'moby.buildkit.trace',
    aux: Buffer.from(encodeStatus(status)).toString('base64'),
  });
  const read = (steps: ReturnType<typeof createBuildKitSteps>, ...statuses: object[]) =>
    statuses.flatMap((status) => steps.read(trace(status), 0));
  const run = { digest: 'r', name: '[2/3] RUN a' };

  it('tells a vertex once, however often it comes', () => {
    const begun = { ...run, started: time(5) };
    const done = { ...begun, completed: time(9) };
    const told = read(
      createBuildKitSteps(places),
      { vertexes: [run] },
      { vertexes: [begun] },
      { vertexes: [begun], logs: [{ vertex: 'r', stream: 1, msg: Buffer.from('hi\n') }] },
      { vertexes: [done] },
      { vertexes: [{ ...done, cached: true }] },
    );
    expect(told).toEqual([
      { type: 'started', step: 'r', title: 'RUN a', origin: 'Dockerfile:3', at: 1005 },
      { type: 'output', step: 'r', text: 'hi\n' },
      { type: 'ended', step: 'r', state: 'miss', at: 1009 },
    ]);
  });

  it('puts what one message tells in its order', () => {
    const logs = [{ vertex: 'r', stream: 2, msg: Buffer.from([0x61, 0xc3]) }];
    const whole = { ...run, started: time(1), completed: time(2), cached: true };
    expect(read(createBuildKitSteps(places), { vertexes: [whole], logs })).toEqual([
      { type: 'started', step: 'r', title: 'RUN a', origin: 'Dockerfile:3', at: 1001 },
      { type: 'output', step: 'r', text: 'a' },
      { type: 'output', step: 'r', text: '\ufffd' },
      { type: 'ended', step: 'r', state: 'hit', at: 1002 },
    ]);
  });

  it('says what helps where output is clipped, however often a step prints what looks so', () => {
    const steps = createBuildKitSteps(places);
    read(steps, { vertexes: [{ ...run, started: time(1) }] });
    const printed = (text: string) => {
      return read(steps, { logs: [{ vertex: 'r', stream: 1, msg: Buffer.from(text) }] });
    };
    const begins = '[output clipped, log limit ';
    expect(printed(begins.repeat(40_000))).toHaveLength(1);
    expect(printed(`so far\n${begins}1MiB reached]\n`).at(-1)).toMatchObject({
      type: 'said',
      text: expect.stringContaining('BUILDKIT_STEP_LOG_MAX_SIZE='),
    });
  });

  it('keeps the streams of steps that run side by side apart', () => {
    const steps = createBuildKitSteps(places);
    const other = { digest: 's', name: '[3/3] RUN b', started: time(1) };
    const [first, second] = [[0xc3], [0xa4]].map((piece) => Buffer.from(piece));
    read(steps, { vertexes: [{ ...run, started: time(1) }, other] });
    const logs = [
      { vertex: 'r', stream: 1, msg: first },
      { vertex: 's', stream: 1, msg: Buffer.from('x') },
      { vertex: 'r', stream: 2, msg: Buffer.from('y') },
      { vertex: 'r', stream: 1, msg: second },
      { vertex: 'unknown', stream: 1, msg: Buffer.from('z') },
    ];
    expect(read(steps, { logs })).toEqual([
      { type: 'output', step: 's', text: 'x' },
      { type: 'output', step: 'r', text: 'y' },
      { type: 'output', step: 'r', text: 'ä' },
    ]);
  });

  it('says what is no step of the file, and nothing of its own housekeeping', () => {
    const steps = createBuildKitSteps(places);
    const done = { started: time(1), completed: time(2) };
    const vertexes = [
      { digest: 'i', name: '[internal] load build definition from Dockerfile', ...done },
      { digest: 'c', name: 'copy /context /', ...done },
      { digest: 'm', name: 'importing cache manifest from r/x', ...done, error: 'not found' },
      { digest: 'f', name: '[1/3] FROM docker.io/library/x:1', started: time(1) },
    ];
    const statuses = [
      { id: 'sha256:1', vertex: 'f', total: 2_500_000, current: 5 },
      { id: 'sha256:1', vertex: 'f', total: 2_500_000, completed: time(3) },
      { id: 'sha256:1', vertex: 'f', total: 2_500_000, completed: time(3) },
    ];
    expect(read(steps, { vertexes }, { statuses })).toEqual([
      { type: 'said', text: 'importing cache manifest from r/x\n' },
      {
        type: 'started',
        step: 'f',
        title: 'FROM docker.io/library/x:1',
        origin: 'Dockerfile:1',
        at: 1001,
      },
      { type: 'said', text: 'importing cache manifest from r/x: not found\n' },
      { type: 'said', text: 'sha256:1 2.5 MB\n' },
    ]);
  });

  it.each([
    ['as from the cache where nothing is pulled', 'hit', []],
    ['as from the cache after a look at the registry', 'hit', [{ id: 'resolve x:1', total: 0 }]],
    ['as new where a layer is pulled', 'miss', [{ id: 'sha256:1', total: 2_500_000 }]],
  ])('takes FROM %s', (_, state, said) => {
    const steps = createBuildKitSteps(places);
    const vertex = { digest: 'f', name: '[1/3] FROM docker.io/library/x:1', started: time(1) };
    const statuses = said.map((one) => ({ ...one, vertex: 'f', completed: time(2) }));
    read(steps, { vertexes: [vertex] }, { statuses });
    expect(read(steps, { vertexes: [{ ...vertex, completed: time(3) }] })).toEqual([
      { type: 'ended', step: 'f', state, at: 1003 },
    ]);
  });

  it('tells a failure from what it stopped, and what is left from both', () => {
    const steps = createBuildKitSteps(places);
    const started = time(1);
    const [failed, stopped] = ['exit code: 3', 'context canceled: context canceled'];
    const vertexes = [
      { ...run, started, completed: time(2), error: failed },
      { digest: 's', name: '[3/3] RUN b', started, completed: time(2), error: stopped },
      { digest: 'f', name: '[1/3] FROM docker.io/library/x:1', started },
      { digest: 'n', name: '[other 1/1] RUN never' },
    ];
    const ends = [...read(steps, { vertexes }), ...steps.end('canceled', 7)];
    expect(ends.filter(({ type }) => type === 'ended')).toEqual([
      { type: 'ended', step: 'r', state: 'failed', at: 1002 },
      { type: 'ended', step: 's', state: 'canceled', at: 1002 },
      { type: 'ended', step: 'f', state: 'canceled', at: 7 },
    ]);
    expect(steps.current.line).toBe(3);
    expect(steps.end('canceled', 8)).toEqual([]);
  });

  it.each([
    ['[internal] load metadata for docker.io/library/x:1', 'x:1'],
    ['[internal] load metadata for r.test/x:1', 'r.test/x:1'],
    ['[build 1/2] FROM docker.io/team/x@sha256:0', 'team/x@sha256:0'],
    ['FROM docker.io/library/x:latest', 'x:latest'],
  ])('knows the image of %s', (name, image) => {
    const steps = createBuildKitSteps(places);
    const error = 'no such host';
    read(steps, { vertexes: [{ digest: 'm', name, started: time(1), completed: time(2), error }] });
    expect(steps.current.image).toBe(image);
  });

  it.each([
    ['http://h.test/x', 'http://h.test/x', undefined],
    ['[2/3] ADD --chown=1 https://h.test/x?y=1 /', 'https://h.test/x?y=1', 3],
    ['[2/3] ADD http.txt /', undefined, 3],
  ])('knows the URL of %s', (name, url, line) => {
    const steps = createBuildKitSteps(places);
    const error = 'connection refused';
    read(steps, { vertexes: [{ digest: 'u', name, started: time(1), completed: time(2), error }] });
    expect(steps.current).toMatchObject({ url, line });
  });

  it('says how to keep what the daemon left out', () => {
    const steps = createBuildKitSteps(places);
    const msg = Buffer.from('x\n[output clipped, log limit 200KiB/s reached]\n');
    read(steps, { vertexes: [{ ...run, started: time(1) }] });
    const told = read(steps, { logs: [{ vertex: 'r', stream: 1, msg }] });
    expect(told.map(({ type }) => type)).toEqual(['output', 'said']);
  });

  it('refuses what is no status, and skips what is none of its messages', () => {
    const steps = createBuildKitSteps(places);
    expect(steps.read({ stream: 'Successfully tagged x\n' }, 0)).toEqual([]);
    expect(() => steps.read({ id: 'moby.buildkit.trace', aux: 'CgUKAw==' }, 0)).toThrow(
      RemoteError,
    );
  });
});

describe('titles and last words', () => {
  it('fit', () => {
    expect(titleOf('RUN a && \\\n  b\t c ')).toBe('RUN a && \\ b c');
    expect(titleOf(`RUN ${'x'.repeat(500)}`)).toMatch(/^RUN x{115}…$/);
    expect(lastWordsOf('a'.repeat(2_000), 'b'.repeat(100))).toBe(
      'a'.repeat(1_948) + 'b'.repeat(100),
    );
    expect(lastWordsOf('', 'c'.repeat(9_000))).toHaveLength(2_048);
  });
});
