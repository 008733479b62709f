/** The event stream as bytes: framed as Jetty frames it, alive while nothing happens, never waited for. */
import { connect, type Socket } from 'node:net';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { plain, startTestEngine, type TestEngine, until } from './harness.ts';

let engine: TestEngine;
beforeAll(async () => {
  engine = await startTestEngine();
});
afterAll(() => engine.close());

/** A raw stream, so that line ends are seen as they are. */
function open(query = ''): Socket {
  const { hostname, port } = new URL(engine.url);
  const socket = connect(Number(port), hostname);
  socket.write(`GET /v2/events${query} HTTP/1.0\r\nHost: x\r\nAccept: text/event-stream\r\n\r\n`);
  return socket;
}

it('frames events with CRLF and beats with a bare one', async () => {
  const left = await engine.events('?event_type=event_stream_detached');
  const socket = open('?event_type=group_change_success');
  let text = '';
  socket.on('data', (chunk) => {
    text += chunk;
  });
  await until(() => text.includes('\r\n\r\n'));
  expect(text).toMatch(/^HTTP\/1\.1 200 OK\r\n[\s\S]*Content-Type: text\/event-stream/);
  await engine.api('POST', '/v2/apps', { ...plain('/framed'), instances: 0 });
  const frame = /\r\n\r\n(event: group_change_success\r\ndata: (\{.*\})\r\n\r\n)/;
  await until(() => frame.test(text));
  expect(JSON.parse(frame.exec(text)?.[2] ?? '')).toMatchObject({
    eventType: 'group_change_success',
    timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
    groupId: '/',
  });
  await until(() => text.endsWith('}\r\n\r\n\r\n'));
  socket.destroy();
  // Who leaves late would be told to the next test.
  await until(() => left.length === 1);
});

it('tells of those who come and go', async () => {
  const events = await engine.events(
    '?event_type=event_stream_attached&event_type=event_stream_detached',
  );
  const socket = open();
  const seen = () => events.map(({ type }) => type);
  await until(() => seen().length === 2);
  socket.destroy();
  await until(() => seen().length === 3);
  expect(seen()).toEqual([
    'event_stream_attached',
    'event_stream_attached',
    'event_stream_detached',
  ]);
});

it('closes a consumer that does not read', async () => {
  const slow = open('?event_type=api_post_event');
  slow.pause();
  const left = await engine.events('?event_type=event_stream_detached');
  const labels = Object.fromEntries(
    Array.from({ length: 50 }, (_, n) => [`label-${n}`, 'x'.repeat(10_000)]),
  );
  await engine.api('POST', '/v2/apps', { ...plain('/large'), instances: 0, labels });
  await until(async () => {
    await engine.api('PUT', '/v2/apps/large', { instances: 0 });
    return left.length === 1;
  });
  slow.destroy();
});
