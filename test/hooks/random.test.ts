/** Whatever a delivery holds, it is answered with a decision. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { useRedis } from '../support/redis.ts';
import { openDoor, payload } from './door.ts';

const redis = useRedis();

const push = payload('push');
const known = Object.keys(push);
const sha = fc.constantFrom('0'.repeat(40), '0'.repeat(64), 'a'.repeat(40), 'b'.repeat(64), 'c');
const ref = fc.oneof(
  fc.constantFrom('refs/heads/main', 'refs/heads/', 'refs/tags/v1', 'refs/heads/__proto__'),
  fc.string({ unit: 'binary' }).map((name) => `refs/heads/${name}`),
);
const odd = fc.oneof(fc.jsonValue({ maxDepth: 4 }), sha, ref);

const mutation = fc.oneof(
  fc.record({ field: fc.constantFrom(...known), value: odd }),
  fc.record({ field: fc.constantFrom('ref'), value: ref }),
  fc.record({ field: fc.constantFrom('before', 'after'), value: sha }),
  fc.record({ field: fc.constantFrom('push_options', 'commits', 'project_id'), value: odd }),
  fc.record({
    field: fc.constantFrom('object_kind', 'event_name'),
    value: fc.constantFrom('push', 'tag_push', 'constructor', null, 7),
  }),
  fc.record({ field: fc.string(), value: odd }),
);

const bodies = fc.oneof(
  {
    weight: 9,
    arbitrary: fc
      .tuple(fc.array(mutation, { maxLength: 6 }), fc.subarray(known, { maxLength: 2 }))
      .map(([mutations, absent]) => {
        const fields = mutations.map(({ field, value }) => [field, value]);
        const body = { ...push, ...Object.fromEntries(fields) };
        for (const field of absent) delete body[field];
        return body;
      }),
  },
  { weight: 1, arbitrary: fc.jsonValue() },
);

test('a mutated push is answered 2xx with a decision', async () => {
  const door = await openDoor({ redis, tagPatience: 20 });
  await fc.assert(
    fc.asyncProperty(bodies, async (body) => {
      const { status, body: answer, text } = await door.send(JSON.stringify(body));
      expect([200, 202]).toContain(status);
      expect(['queued', 'ignored', 'duplicate']).toContain(answer.decision);
      expect(status === 202).toBe(answer.decision === 'queued');
      expect(answer.reason).toMatch(/\S/);
      expect(Buffer.byteLength(text)).toBeLessThan(8 * 1024);
    }),
    { numRuns: 200 },
  );
  expect(door.logged()).not.toContain('a hook failed');
});
