/** Projects: what is asked of GitLab about them, and how seldom. */
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { createProjects } from '../../src/access/projects.ts';
import { createGitLab } from '../../src/clients/gitlab.ts';
import { useRig } from './rig.ts';

const rig = useRig();

describe('a project', () => {
  const find = (now = () => 1) => {
    const client = createGitLab({ url: rig.gitlab.url, token: rig.gitlab.token });
    const asked: string[] = [];
    const findProject = (name: string) => {
      asked.push(name);
      return client.findProject(name);
    };
    return { asked, projects: createProjects({ gitlab: { findProject }, now }) };
  };

  it('is asked for once a minute', async () => {
    const { asked, projects } = find();
    expect(await projects.find('shop/web')).toMatchObject({ id: rig.project, path: 'shop/web' });
    expect(await projects.find('shop/web')).toMatchObject({ id: rig.project });
    expect(asked).toEqual(['shop/web']);
  });

  it.each(['', '.', '..', 'web', 'shop/web?x=1', 'shop//web', 'a/b'.repeat(400)])(
    'of the name %j is not even asked for',
    async (name) => {
      const { asked, projects } = find();
      expect(await projects.find(name)).toBeUndefined();
      expect(asked).toEqual([]);
    },
  );

  it('is not waited for longer than somebody has patience', async () => {
    vi.useFakeTimers();
    onTestFinished(() => void vi.useRealTimers());
    const projects = createProjects({ gitlab: { findProject: () => new Promise(() => {}) } });
    const found = expect(projects.find('shop/web')).rejects.toMatchObject({
      code: 'E_GITLAB_AWAY',
      status: 503,
    });
    await vi.advanceTimersByTimeAsync(5_000);
    await found;
  });

  it('is known for five minutes while GitLab is away', async () => {
    let now = 1;
    const { projects } = find(() => now);
    await projects.find('shop/web');
    rig.away();
    now += 250_000;
    expect(await projects.find('shop/web')).toMatchObject({ id: rig.project });
    now += 60_000;
    await expect(projects.find('shop/web')).rejects.toMatchObject({ retryable: true });
  });
});
