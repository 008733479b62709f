/** Who comes in and what they may do: by tokens of people, bots and jobs, and while GitLab is away. */
import { describe, expect, it } from 'vitest';
import type { Wanted } from '../../src/core/access.ts';
import { useRig, withToken } from './rig.ts';

const rig = useRig();

describe('a role', () => {
  const cases: [number, Wanted, string][] = [
    [0, { ability: 'look' }, 'E_PROJECT'],
    [10, { ability: 'look' }, 'E_PROJECT'],
    [15, { ability: 'scale' }, 'E_PROJECT'],
    [20, { ability: 'look' }, 'ok'],
    [20, { ability: 'build' }, 'E_ROLE_TOO_LOW'],
    [25, { ability: 'look', environment: 'production' }, 'ok'],
    [25, { ability: 'restart', environment: 'production' }, 'E_ROLE_TOO_LOW'],
    [30, { ability: 'build' }, 'ok'],
    [30, { ability: 'restart', environment: 'production' }, 'ok'],
    [30, { ability: 'deploy', environment: 'review/x' }, 'ok'],
    [30, { ability: 'deploy', environment: 'production' }, 'E_ROLE_TOO_LOW'],
    [30, { ability: 'scale', environment: 'review/x' }, 'E_ROLE_TOO_LOW'],
    [40, { ability: 'deploy', environment: 'production' }, 'ok'],
    [40, { ability: 'scale' }, 'ok'],
    [50, { ability: 'configure' }, 'ok'],
  ];

  it.each(cases)('of %i asks for %j: %s', async (accessLevel, wanted, end) => {
    const { access } = rig.open();
    const caller = await withToken(access, rig.newUser(accessLevel).token);
    const answer = await access.authorize(caller, rig.project, wanted).then(
      () => 'ok',
      (error) => error.code,
    );
    expect(answer).toBe(end);
  });

  it('that is too low is told from one that would do', async () => {
    const { access } = rig.open();
    const caller = await withToken(access, rig.newUser(30).token);
    const wanted = { ability: 'rollback', environment: 'production' } as const;
    await expect(access.authorize(caller, rig.project, wanted)).rejects.toMatchObject({
      status: 403,
      message: 'To rollback in production one has to be Maintainer.',
      hint: expect.stringContaining('Developer'),
    });
  });

  it('changes within a minute, and strangers are let in within seconds', async () => {
    const { access, later } = rig.open();
    const { id: userId, token } = rig.newUser();
    const caller = await withToken(access, token);
    expect(await access.level(caller, rig.project)).toBe(0);
    rig.gitlab.addMember({ projectId: rig.project, userId, accessLevel: 30 });
    expect(await access.level(caller, rig.project)).toBe(0);
    later(6);
    expect(await access.level(caller, rig.project)).toBe(30);
    rig.gitlab.setMember({ projectId: rig.project, userId, accessLevel: 40 });
    later(50);
    expect(await access.level(caller, rig.project)).toBe(30);
    later(11);
    expect(await access.level(caller, rig.project)).toBe(40);
  });
});

describe('a token', () => {
  it('is asked for once a minute, however many bring it at once', async () => {
    const { access, asked, later } = rig.open();
    const { token } = rig.newUser(30);
    const callers = await Promise.all(Array.from({ length: 50 }, () => withToken(access, token)));
    await Promise.all(callers.map((caller) => access.level(caller, rig.project)));
    expect(asked).toEqual(['ofToken', 'level']);
    later(61);
    await withToken(access, token);
    expect(asked).toEqual(['ofToken', 'level', 'ofToken']);
  });

  it('that is wrong is asked for again only after a while', async () => {
    const { access, asked, later } = rig.open();
    for (let time = 0; time < 5; time += 1) {
      await expect(withToken(access, 'wrong')).rejects.toMatchObject({ status: 401 });
    }
    expect(asked).toEqual(['ofToken']);
    later(6);
    await expect(withToken(access, 'wrong')).rejects.toMatchObject({ status: 401 });
    expect(asked).toHaveLength(2);
  });

  it('that only reads lets nobody act, whatever the role', async () => {
    const { access } = rig.open();
    const token = rig.gitlab.createToken({ userId: rig.newUser(50).id, scopes: ['read_api'] });
    const caller = await withToken(access, token);
    await access.authorize(caller, rig.project, { ability: 'look' });
    await expect(
      access.authorize(caller, rig.project, { ability: 'restart' }),
    ).rejects.toMatchObject({
      code: 'E_READ_ONLY',
    });
  });

  it('of Ekiden itself may do all that Ekiden can; another of its user may not', async () => {
    const bot = rig.newUser(30);
    const { access } = rig.open({ serviceToken: bot.token });
    const service = await withToken(access, bot.token);
    expect(service).toMatchObject({ user: bot.id, isService: true });
    expect(await access.level(service, rig.project)).toBe(50);
    const second = await withToken(access, rig.gitlab.createToken({ userId: bot.id }));
    expect(second).toMatchObject({ user: bot.id, isService: false });
    expect(await access.level(second, rig.project)).toBe(30);
  });

  it('of a job sees the project of the job and no other', async () => {
    const { access } = rig.open();
    const { id: userId } = rig.newUser(30);
    rig.gitlab.addMember({ projectId: rig.other, userId, accessLevel: 50 });
    const job = await rig.gitlab.createJob({ projectId: rig.project, userId });
    const caller = await access.identify({ kind: 'job-token', value: job.token });
    expect(caller).toMatchObject({ user: userId, onlyProject: rig.project, mayChange: true });
    expect(await access.level(caller, rig.project)).toBe(30);
    expect(await access.level(caller, rig.other)).toBe(0);
  });
});

describe('while GitLab is away', () => {
  it('whom Ekiden knew lately is let in for five minutes', async () => {
    const { access, asked, later } = rig.open();
    const { token } = rig.newUser(30);
    await access.level(await withToken(access, token), rig.project);
    rig.away();
    later(61);
    const caller = await withToken(access, token);
    expect(await access.level(caller, rig.project)).toBe(30);
    const before = asked.length;
    await withToken(access, token);
    expect(asked).toHaveLength(before);
    later(200);
    expect(await access.level(await withToken(access, token), rig.project)).toBe(30);
    later(60);
    await expect(withToken(access, token)).rejects.toMatchObject({ status: 503 });
  });

  it('nobody new is, and all are as soon as it is back', async () => {
    const { access } = rig.open();
    const { token } = rig.newUser(30);
    rig.away();
    await expect(withToken(access, token)).rejects.toMatchObject({ code: 'E_GITLAB_AWAY' });
    rig.gitlab.faults.clear();
    expect(await withToken(access, token)).toMatchObject({ mayChange: true });
  });

  it('the token of a job that may be over is not taken', async () => {
    const { access, later } = rig.open();
    const job = await rig.gitlab.createJob({ projectId: rig.project, userId: rig.newUser(30).id });
    await access.identify({ kind: 'job-token', value: job.token });
    rig.away();
    later(61);
    const again = access.identify({ kind: 'job-token', value: job.token });
    await expect(again).rejects.toMatchObject({ status: 503 });
  });
});
