/** What Ekiden does about each delivery of GitLab: stored bodies, sent over HTTP, and the decision. */
import { describe, expect, test } from 'vitest';
import { useRedis } from '../support/redis.ts';
import { openDoor, payload, startManifests } from './door.ts';

const redis = useRedis();
const buildId = /^[0-9a-f]{24}$/;
const zeros = '0'.repeat(40);
const long = (digit: string) => digit.repeat(64);
const tagObject = '16862e368d8ab812e48833b741dad720d6e2cb7f';
const commit = 'fabed3d94e1a7c1d6a1fa35b4ac6ac8c2b2ef8a5';
const branch = { project: 15, ref: 'refs/heads/master' };

test('a plain push is queued', async () => {
  const door = await openDoor({ redis });
  const answer = await door.send(payload('push'), {
    'X-Gitlab-Event': 'Push Hook',
    'Idempotency-Key': '1f0a54f0-0529-408d-a5b8-a2a98ff5f94a',
  });
  expect(answer.status).toBe(202);
  expect(answer.body).toEqual({
    delivery: '1f0a54f0-0529-408d-a5b8-a2a98ff5f94a',
    decision: 'queued',
    reason: expect.stringContaining('da1560886d4f is to be built'),
    build: expect.stringMatching(buildId),
  });
  expect(await door.queued()).toEqual([
    {
      type: 'push.received',
      cause: 'hook',
      build: answer.body.build,
      ...branch,
      before: '95790bf891e76fee5e1747ab589903a6a1f80f22',
      sha: 'da1560886d4f094c3e6c9ef40349f7d38b5d27d7',
      actor: 4,
      by: 'jsmith',
      receivedAt: expect.any(Number),
      acceptedAt: expect.any(Number),
    },
  ]);
});

const saying = (message: string) => ({ commits: [{ message: 'first' }, { message }] });
const deleted = { after: zeros, checkout_sha: null, commits: [] };

describe('pushes that are queued', () => {
  test.each([
    ['a real delivery', 'push_v17_1_real_delivery', {}, { type: 'push.received' }],
    ['a new branch', 'push', { before: zeros }, { ...branch, before: zeros }],
    ['a new branch without new commits', 'push', { before: zeros, commits: [] }, branch],
    ['a forced push', 'push', { before: 'a'.repeat(40), total_commits_count: 0 }, branch],
    ['SHA-256', 'push', { before: long('0'), after: long('b') }, { ...branch, sha: long('b') }],
    ['a deletion', 'push', deleted, { type: 'ref.deleted', ...branch }],
    ['a deletion in SHA-256', 'push', { after: long('0') }, { type: 'ref.deleted', ...branch }],
    ['a deletion with ci.skip', 'push', { ...deleted, push_options: { ci: { skip: true } } }, {}],
    ['other push options', 'push', { push_options: { ci: { variable: { A: 1 } } } }, branch],
    ['no push options', 'push', { push_options: null }, branch],
    ['push options of an unknown shape', 'push', { push_options: ['ci.skip'] }, branch],
    ['no commits', 'push', { commits: undefined }, branch],
    ['commits of an unknown shape', 'push', { commits: 'many' }, branch],
    ['a commit without a message', 'push', { commits: [{ message: null }] }, branch],
    ['an older commit with [skip ci]', 'push', { commits: [{ message: '[skip ci]' }, {}] }, branch],
    ['words like the marker', 'push', saying('skip ci, [skipci]'), branch],
    ['a system hook', 'push', { object_kind: undefined, commits: undefined }, branch],
    ['a ref with slashes', 'push', { ref: 'refs/heads/feat/a+b' }, { ref: 'refs/heads/feat/a+b' }],
  ])('%s', async (_, file, change, arrival) => {
    const door = await openDoor({ redis });
    const answer = await door.send(payload(file, change));
    expect(answer.body).toMatchObject({ decision: 'queued' });
    expect(answer.status).toBe(202);
    expect(await door.queued()).toMatchObject([arrival]);
  });
});

describe('pushes that are ignored', () => {
  test.each([
    ['ci.skip', { push_options: { ci: { skip: true } } }, /option ci\.skip/],
    ['[skip ci]', saying('x [skip ci]'), /\[skip ci\]/],
    ['[ci skip]', saying('[ci skip] x'), /\[ci skip\]/],
    ['[CI-SKIP]', saying('x\n\n[CI-SKIP]'), /\[CI-SKIP\]/],
    ['[no ci]', saying('[no ci]'), /\[no ci\]/],
    ['no project', { project_id: undefined }, /project_id/],
    ['a project by name', { project_id: 'mike/diaspora' }, /project_id/],
    ['half a project', { project_id: 1.5 }, /project_id/],
    ['a project below zero', { project_id: -1 }, /project_id/],
    ['no ref', { ref: undefined }, /ref/],
    ['a ref that is a list', { ref: ['refs/heads/x'] }, /ref/],
    ['a tag', { ref: 'refs/tags/v1' }, /ref/],
    ['no branch name', { ref: 'refs/heads/' }, /ref/],
    ['a ref that is far too long', { ref: `refs/heads/${'x'.repeat(100_000)}` }, /ref/],
    ['a ref with a line break', { ref: 'refs/heads/a\nb' }, /ref/],
    ['no before', { before: undefined }, /before/],
    ['no after', { after: undefined }, /after/],
    ['after that is a number', { after: 1 }, /after/],
    ['after that is no sha', { after: '../../../x' }, /after/],
    ['an empty after', { after: '' }, /after/],
    ['an after of a megabyte', { after: 'a'.repeat(1 << 20) }, /after/],
  ])('%s', async (_, change, reason) => {
    const door = await openDoor({ redis });
    const answer = await door.send(payload('push', change));
    expect(answer.status).toBe(200);
    expect(answer.body).toEqual({
      delivery: expect.any(String),
      decision: 'ignored',
      reason: expect.stringMatching(reason),
    });
    expect(answer.text.length).toBeLessThan(8 * 1024);
    expect(await door.queued()).toEqual([]);
  });
});

describe('tags', () => {
  const annotated = { after: tagObject, checkout_sha: commit };
  const manifests = { [commit]: 'environments: { stable: { tags: v1.* } }\n' };

  test('an annotated tag with a rule: its commit is built', async () => {
    const door = await openDoor({ redis, gitlabUrl: await startManifests(manifests) });
    const answer = await door.send(payload('tag_push', annotated), {
      'X-Gitlab-Event': 'Tag Push Hook',
    });
    expect(answer.body).toMatchObject({
      decision: 'queued',
      build: expect.stringMatching(buildId),
    });
    expect(await door.queued()).toMatchObject([
      { type: 'push.received', ref: 'refs/tags/v1.0.0', sha: commit, before: zeros },
    ]);
  });

  test('a system hook tells of a tag too', async () => {
    const door = await openDoor({ redis, gitlabUrl: await startManifests(manifests) });
    const answer = await door.send(payload('tag_push', { ...annotated, object_kind: undefined }), {
      'X-Gitlab-Event': 'System Hook',
    });
    expect(answer.body.decision).toBe('queued');
  });

  test.each([
    ['no rule takes it', 'environments: { stable: { tags: v2.* } }\n'],
    ['only branches have rules', 'environments: { production: main }\n'],
    ['there are no rules', 'services: { web: {} }\n'],
    ['there is no manifest', undefined],
  ])('ignored: %s', async (_, manifest) => {
    const gitlabUrl = await startManifests(manifest === undefined ? {} : { [commit]: manifest });
    const door = await openDoor({ redis, gitlabUrl });
    const answer = await door.send(payload('tag_push', annotated));
    expect(answer.status).toBe(200);
    expect(answer.body).toMatchObject({
      decision: 'ignored',
      reason: 'no environment of the manifest takes the tag v1.0.0',
    });
    expect(await door.queued()).toEqual([]);
  });

  test.each([
    ['GitLab is silent', async () => startManifests('silent')],
    ['GitLab is away', async () => 'http://127.0.0.1:9'],
    ['the manifest is broken', async () => startManifests({ [commit]: 'environments: [' })],
  ])('queued, to be looked at later: %s', async (_, gitlabUrl) => {
    const door = await openDoor({ redis, gitlabUrl: await gitlabUrl(), tagPatience: 20 });
    const answer = await door.send(payload('tag_push', annotated));
    expect(answer.body.decision).toBe('queued');
    expect(await door.queued()).toMatchObject([{ sha: commit }]);
  });

  test('a deleted tag is cleaned up', async () => {
    const door = await openDoor({ redis });
    const answer = await door.send(payload('tag_push', { after: zeros, checkout_sha: null }));
    expect(answer.body.decision).toBe('queued');
    expect(await door.queued()).toEqual([
      { type: 'ref.deleted', project: 1, ref: 'refs/tags/v1.0.0' },
    ]);
  });

  test.each([
    ['a branch', { ref: 'refs/heads/v1' }, /ref/],
    ['no ref', { ref: null }, /ref/],
    ['no sha', { after: 'main' }, /after/],
    ['a commit that is no sha', { checkout_sha: 'v1' }, /checkout_sha/],
  ])('a body that is no tag push: %s', async (_, change, reason) => {
    const door = await openDoor({ redis });
    const answer = await door.send(payload('tag_push', change));
    expect(answer.body).toMatchObject({
      decision: 'ignored',
      reason: expect.stringMatching(reason),
    });
  });
});
