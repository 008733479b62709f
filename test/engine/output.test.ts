/** What tasks print: all of it is in the sandbox when the end of a task is told. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { finished } from 'node:stream/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createLineEnds } from '../../src/engine/sandbox/line-ends.ts';
import { type Frame, framed } from '../../src/engine/sandbox/output-frames.ts';
import { createPlace } from '../../src/engine/sandbox/output-place.ts';
import { type Json, plain, startTestEngine, until } from './harness.ts';

const LINES = Array.from({ length: 20_000 }, (_, index) => `${index + 1}\n`).join('');
/** Lines that Docker keeps in several parts. */
const LONG = {
  command: "printf %40000s | tr ' ' x; echo; printf %16384s | tr ' ' y; echo;",
  printed: `${'x'.repeat(40_000)}\n${'y'.repeat(16_384)}\n`,
};
const bytes = (hex: string) => Buffer.from(hex, 'hex').toString('latin1');

it('is whole in the sandbox, also without an end of the last line, when many tasks end at once', async () => {
  const engine = await startTestEngine();
  onTestFinished(() => engine.close());
  const kinds: [cmd: string, stdout: string, stderr: string, more?: Json][] = [
    ['echo one; echo oops >&2; printf end', 'one\nend', 'oops\n'],
    ['printf out; printf "\\303\\244 \\001\\377\\376" >&2', 'out', bytes('c3a42001fffe')],
    ['sleep 0.5; echo one; printf end', 'one\nend', ''],
    [`seq 1 20000; ${LONG.command} printf end`, `${LINES}${LONG.printed}end`, ''],
    ['echo one; printf end', 'one\r\nend', '', { tty: true }],
  ];
  const apps = [...kinds, ...kinds].map(([cmd, stdout, stderr, more], index) => ({
    ...{ id: `/printing-${index}`, stdout, stderr },
    app: { ...plain(`/printing-${index}`, cmd), ...more, backoffSeconds: 3600 },
  }));
  const events = await engine.events('?event_type=status_update_event');
  await Promise.all(apps.map(({ app }) => engine.api('POST', '/v2/apps', app)));
  const endOf = (id: string) =>
    events.find(({ data }) => data.appId === id && data.taskStatus === 'TASK_FINISHED');
  await until(() => apps.every(({ id }) => endOf(id)), 60_000);
  for (const { id, stdout, stderr } of apps) {
    const folder = join(engine.data, 'sandboxes', endOf(id)?.data.taskId);
    expect(await readFile(join(folder, 'stdout'), 'latin1')).toBe(stdout);
    expect(await readFile(join(folder, 'stderr'), 'latin1')).toBe(stderr);
  }
});

describe('frames of output', () => {
  it('are taken apart, however they are cut', async () => {
    const at = '2026-07-29T07:16:43.120000000Z';
    const frame = (kind: number, text: string) => {
      const header = Buffer.from([kind, 0, 0, 0, 0, 0, 0, at.length + 1 + text.length]);
      return Buffer.concat([header, Buffer.from(`${at} ${text}`)]);
    };
    const bytes = Buffer.concat([frame(1, 'o t'), frame(2, 'err'), frame(1, ''), frame(1, '!')]);
    for (const size of [1, 3, 9, 100, 1000]) {
      const seen: Frame[] = [];
      const sink = framed(async (frames) => void seen.push(...frames));
      for (let from = 0; from < bytes.length; from += size) {
        sink.write(bytes.subarray(from, from + size));
      }
      sink.end();
      await finished(sink);
      expect(seen.map(({ kind, at, text }) => [kind, at, String(text)])).toEqual([
        [1, at, 'o t'],
        [2, at, 'err'],
        [1, at, ''],
        [1, at, '!'],
      ]);
    }
  });
});

describe('the place in an output', () => {
  const second = (number: number) => `2026-07-29T07:16:${number}.000000001Z`;
  const newOf = (place: ReturnType<typeof createPlace>, frames: [1 | 2, number][]) => {
    place.begin();
    return frames.map(([kind, at]) => place.isNew({ kind, at: second(at) }));
  };

  it('lets each frame pass once, also those of one time, of two streams and after the clock was set back', () => {
    const place = createPlace();
    expect(place.since()).toBeUndefined();
    expect(
      newOf(place, [
        [1, 20],
        [2, 21],
        [1, 21],
        [1, 21],
      ]),
    ).toEqual([true, true, true, true]);
    expect(place.since()).toBe(Date.parse('2026-07-29T07:16:21Z') / 1000 - 10);
    expect(
      newOf(place, [
        [2, 21],
        [1, 21],
        [1, 21],
        [1, 21],
        [2, 22],
        [1, 12],
      ]),
    ).toEqual([false, false, false, true, true, true]);
    expect(
      newOf(place, [
        [1, 12],
        [2, 22],
        [1, 13],
      ]),
    ).toEqual([false, false, true]);
  });
});

it.each([
  ['lines', ['one\n', '', '\n'], 'one\n\n\n'],
  ['the parts of a long line', ['x'.repeat(16_384), 'x', 'two\n'], `${'x'.repeat(16_385)}\ntwo\n`],
  [
    'as many bytes as a part has',
    ['x'.repeat(16_384), '', 'two\n'],
    `${'x'.repeat(16_384)}\ntwo\n`,
  ],
  [
    'parts that Docker ended itself',
    ['x'.repeat(16_384), 'x\n', 'two\n'],
    `${'x'.repeat(16_385)}\ntwo\n`,
  ],
  ['an end without a newline', ['one\n', 'end'], 'one\nend'],
])('of %s no end of a line is missing or doubled', (_, texts, whole) => {
  const lines = createLineEnds();
  const out = texts.map((text) => {
    lines.complete({ kind: 2, text: Buffer.from('beside it\n') });
    return String(lines.complete({ kind: 1, text: Buffer.from(text) }));
  });
  expect(out.join('')).toBe(whole);
});
