/** The table of event and decision, row by row, over HTTP. */
import { describe, expect, test } from 'vitest';
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

describe.each(columns)('%s', (column) => {
  test.each(eventTable.map((row) => [`${row.kind} as ${row.header}`, row] as const))(
    '%s',
    async (_, row) => {
      const commit = String(row.body['checkout_sha']);
      const gitlabUrl = await startManifests({ [commit]: manifest });
      const door = await openDoor({ redis, gitlabUrl });
      const answer = await door.send(shapes[column](row), { 'X-Gitlab-Event': row.header });
      const decision = row.decided[column];
      expect(answer.status).toBe(decision === 'queued' ? 202 : 200);
      expect(answer.body).toMatchObject({ decision, reason: expect.any(String) });
      expect(answer.body.reason).toMatch(reasonOf(row, column));
      expect(await door.queued()).toHaveLength(decision === 'queued' ? 1 : 0);
    },
  );
});
