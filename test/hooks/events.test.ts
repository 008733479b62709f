/** The table of event and decision, row by row, over HTTP. */
import { expect, test } from 'vitest';
import { useRedis } from '../support/redis.ts';
import { openDoor, payload, startManifests } from './door.ts';
import { type EventRow, eventTable, shapes, storedBodies } from './event-table.ts';

const redis = useRedis();
const columns = ['plain', 'deleted', 'skip', 'unknown'] as const;

/** A manifest that takes every tag. */
const manifest = 'environments: { stable: { tags: "*" } }\n';

/** Where the body says why nothing is done about it. */
function reasonOf({ kind, decided }: EventRow, column: (typeof columns)[number]): RegExp {
  if (decided.plain === 'ignored') return new RegExp(`does nothing about ${kind} yet`);
  return {
    plain: /is to be built/,
    deleted: /was deleted: what it had is cleaned up/,
    skip: /option ci\.skip/,
    unknown: /the body is no (push|tag push): /,
  }[column];
}

test('every stored body has its row', () => {
  const inTable = new Set(eventTable.map(({ body }) => JSON.stringify(body)));
  const whole = storedBodies().filter((name) => !name.startsWith('partial_'));
  const missing = whole.filter((name) => !inTable.has(JSON.stringify(payload(name))));
  expect(missing).toEqual([]);
});

test.each(columns)('%s', async (column) => {
  const tags = eventTable.map(({ body }) => [String(body['checkout_sha']), manifest]);
  const gitlabUrl = await startManifests(Object.fromEntries(tags));
  const door = await openDoor({ redis, gitlabUrl });
  const seen: unknown[] = [];
  for (const [number, row] of eventTable.entries()) {
    const { status, body } = await door.send(shapes[column](row), {
      'X-Gitlab-Event': row.header,
      'Idempotency-Key': `${column} ${number}`,
    });
    const said = reasonOf(row, column).test(body.reason) || body.reason;
    seen.push([row.kind, row.header, status, body.decision, said]);
  }
  const wanted = eventTable.map(({ kind, header, decided }) => {
    const decision = decided[column];
    return [kind, header, decision === 'queued' ? 202 : 200, decision, true];
  });
  expect(seen).toEqual(wanted);
  expect(await door.queued()).toHaveLength(
    wanted.filter(([, , , decision]) => decision === 'queued').length,
  );
});
