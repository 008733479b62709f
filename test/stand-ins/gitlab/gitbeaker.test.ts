/** The client that many use gets on with the stand-in. */
import { Branches, Commits, ProjectHooks, Repositories, RepositoryFiles } from '@gitbeaker/rest';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Rig, startRig } from './rig.ts';

let rig: Rig;
let projectId: number;
let sha: string;

beforeEach(async () => {
  rig = await startRig();
  ({ id: projectId } = await rig.gitlab.createProject({ path: 'shop/back/web' }));
  const files = { 'dir/a.txt': 'hello\n' };
  sha = await rig.gitlab.commit(projectId, { branch: 'main', message: 'one', files });
});
afterEach(async () => {
  await rig.stop();
});

describe('gitbeaker', () => {
  const options = () => ({ host: rig.gitlab.url, token: rig.gitlab.token });

  it('reads branches and files, and streams archives', async () => {
    const branch = await new Branches(options()).show(projectId, 'main');
    expect(branch.commit.id).toBe(sha);
    const raw = await new RepositoryFiles(options()).showRaw(projectId, 'dir/a.txt', 'main');
    expect(raw).toBe('hello\n');
    const archive = await new Repositories(options()).showArchive('shop/back/web', {
      sha,
      fileType: 'tar.gz',
      asStream: true,
    });
    const reader = (archive as ReadableStream<Uint8Array>).getReader();
    const { value } = await reader.read();
    expect([...(value ?? []).slice(0, 2)]).toEqual([0x1f, 0x8b]);
    await reader.cancel();
  });

  it('posts statuses and keeps hooks', async () => {
    const commits = new Commits(options());
    const context = { name: 'ekiden/build', ref: 'main', targetUrl: 'http://e.example/b/1' };
    await commits.editStatus(projectId, sha, 'running', context);
    await commits.editStatus(projectId, sha, 'success', context);
    expect(await commits.allStatuses(projectId, sha)).toMatchObject([
      { status: 'success', target_url: 'http://e.example/b/1' },
    ]);
    const hooks = new ProjectHooks(options());
    const hook = await hooks.add(projectId, rig.hookUrl, { token: 'x', tagPushEvents: true });
    expect(hook).toMatchObject({ push_events: true, tag_push_events: true });
    expect(await hooks.all(projectId)).toMatchObject([{ id: hook.id, url: rig.hookUrl }]);
    await hooks.remove(projectId, hook.id);
    expect(await hooks.all(projectId)).toEqual([]);
  });
});
