/** Whatever a delivery holds, it is answered with the decision that its body deserves. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { handleHook } from '../../hooks/index.ts';
import type { Arrival } from '../../src/core/event.ts';
import { useRedis } from '../support/redis.ts';
import { openDoor } from './door.ts';
import { mutatedBodies } from './mutations.ts';

const redis = useRedis();

const isSha = (value: unknown): value is string =>
  typeof value === 'string' && /^([0-9a-f]{40}|[0-9a-f]{64})$/.test(value);

function isRef(value: unknown, folder: string): boolean {
  if (typeof value !== 'string' || !value.startsWith(folder)) return false;
  const name = value.slice(folder.length);
  return name !== '' && [...name].length <= 1_000 && !/[ \p{Cc}]/u.test(name);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The table of event and decision once more, for bodies of any shape. */
function deserved(body: unknown): 'queued' | 'ignored' {
  if (typeof body !== 'object' || body === null) return 'ignored';
  const fields = body as Record<string, unknown>;
  const kind = fields['object_kind'] ?? fields['event_name'];
  if (kind !== 'push' && kind !== 'tag_push') return 'ignored';
  const { project_id: project, ref, before, after, checkout_sha: commit } = fields;
  const isShaped =
    Number.isSafeInteger(project) &&
    (project as number) > 0 &&
    isRef(ref, kind === 'push' ? 'refs/heads/' : 'refs/tags/') &&
    isSha(before) &&
    isSha(after) &&
    (kind === 'push' || commit === null || commit === undefined || isSha(commit));
  if (!isShaped || Array.isArray(body)) return 'ignored';
  if (/^0+$/.test(String(after))) return 'queued';
  const { push_options: options, commits } = fields;
  const ci = isObject(options) ? options['ci'] : undefined;
  if (isObject(ci) && 'skip' in ci) return 'ignored';
  if (kind === 'tag_push') return 'queued';
  return saysSkip(commits) ? 'ignored' : 'queued';
}

function saysSkip(commits: unknown): boolean {
  const isList =
    Array.isArray(commits) &&
    commits.every((each) => isObject(each) && typeof (each['message'] ?? '') === 'string');
  return isList && /\[(ci[ -]skip|skip[ -]ci|no ci)\]/i.test(commits.at(-1)?.message ?? '');
}

test('9,400 mutated bodies are decided about as the table says', async () => {
  const accepted: Arrival[] = [];
  const decide = (text: string) =>
    handleHook({
      payload: JSON.parse(text),
      delivery: { id: 'one', idempotent: true, receivedAt: 1 },
      accept: async (arrival) => {
        accepted.push(arrival);
        return { outcome: 'queued' };
      },
      ekiden: { newBuildId: () => 'build', takesTag: async () => undefined },
    });
  let queued = 0;
  await fc.assert(
    fc.asyncProperty(mutatedBodies, async (text) => {
      accepted.length = 0;
      const { decision, reason, ...more } = await decide(text);
      const isShort = Buffer.byteLength(JSON.stringify({ reason, more })) < 8 * 1024;
      const wanted = deserved(JSON.parse(text));
      expect([decision, accepted.length, reason.trim() !== '', isShort]).toEqual([
        ...[wanted, wanted === 'queued' ? 1 : 0, true, true],
      ]);
      queued += accepted.length;
    }),
    { numRuns: 9_400 },
  );
  // Else the mutations would be so wild that nothing but the first check is tried.
  expect(queued).toBeGreaterThan(1_000);
});

const headers = fc.record({
  'X-Gitlab-Event': fc.constantFrom('Push Hook', 'Tag Push Hook', 'Issue Hook', 'System Hook', 'é'),
  'Content-Type': fc.constantFrom(
    ...['application/json', 'text/plain', 'application/xml', 'multipart/form-data; boundary=x'],
    ...['application/json; charset=utf-16', 'application/x-www-form-urlencoded', 'nonsense'],
  ),
  'Idempotency-Key': fc.option(fc.constantFrom('', 'one', 'k'.repeat(4_000)), { nil: undefined }),
});

/** JSON that no writer makes, and text that is none. */
const odd = fc.oneof(
  fc.constantFrom('1e999', '{"object_kind":"push","project_id":1e400}', '[1,]', '{"a":1', '\u0000'),
  fc.constantFrom('{"object_kind":"push","object_kind":"note"}', '{"__proto__":{"ref":1}}'),
  fc.json(),
  fc.string({ unit: 'binary' }),
);
const sent = fc.oneof({ weight: 4, arbitrary: mutatedBodies }, { weight: 1, arbitrary: odd });

function parsed(text: string): { body: unknown } | undefined {
  try {
    return { body: JSON.parse(text) };
  } catch {
    return undefined;
  }
}

test('600 bodies over HTTP, under any event and type, are answered in JSON and never 5xx', async () => {
  const door = await openDoor({ redis, tagPatience: 20 });
  await fc.assert(
    fc.asyncProperty(sent, headers, async (text, given) => {
      const known = parsed(Buffer.from(text).toString());
      const { status, body: answer, text: said, headers: got } = await door.send(text, given);
      expect(got.get('content-type')).toMatch(/^application\/(problem\+)?json$/);
      expect(Buffer.byteLength(said)).toBeLessThan(8 * 1024);
      if (known === undefined) {
        expect([status, answer.code]).toEqual([400, 'E_NO_JSON']);
        return;
      }
      const isNews = answer.decision !== 'duplicate';
      if (isNews) expect(answer.decision).toBe(deserved(known.body));
      else expect(deserved(known.body)).toBe('queued');
      expect(status).toBe(answer.decision === 'queued' ? 202 : 200);
    }),
    { numRuns: 600 },
  );
  expect(door.logged()).not.toContain('a hook failed');
});
