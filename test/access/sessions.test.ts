/** Sessions and tickets: whom they let in, and when no longer. */
import { describe, expect, it } from 'vitest';
import type { Access } from '../../src/core/access.ts';
import { useRig, withToken } from './rig.ts';

const rig = useRig();

describe('a session', () => {
  const session = (access: Access, value: string) => access.identify({ kind: 'session', value });

  it('stands for who opened it, until it is closed', async () => {
    const { access } = rig.open();
    const caller = await withToken(access, rig.newUser(30).token);
    const id = await access.openSession(caller);
    expect(await session(access, id)).toEqual(caller);
    await access.closeSession(id);
    await expect(session(access, id)).rejects.toMatchObject({ status: 401, code: 'E_SESSION' });
  });

  it('keeps no token and no id that could be used', async () => {
    const { access, keys } = rig.open();
    const { token } = rig.newUser(30);
    const id = await access.openSession(await withToken(access, token));
    const names = await keys.redis.keys(`${keys.prefix}:session:*`);
    expect(names).toHaveLength(1);
    const kept = `${names[0]} ${await keys.redis.get(names[0] ?? '')}`;
    for (const secret of [token, id]) expect(kept).not.toContain(secret);
  });

  it('ends when the user is blocked, and does not come back', async () => {
    const { access, later } = rig.open();
    const user = rig.newUser(30);
    const id = await access.openSession(await withToken(access, user.token));
    rig.gitlab.blockUser(user.id);
    later(61);
    await expect(session(access, id)).rejects.toMatchObject({ code: 'E_SESSION' });
    rig.gitlab.blockUser(user.id, false);
    later(61);
    await expect(session(access, id)).rejects.toMatchObject({ code: 'E_SESSION' });
  });

  it('outlives the token by which it was opened, with the role of now', async () => {
    const { access, later } = rig.open();
    const user = rig.newUser(30);
    const id = await access.openSession(await withToken(access, user.token));
    rig.gitlab.endToken(user.token, 'revoked');
    rig.gitlab.setMember({ projectId: rig.project, userId: user.id, accessLevel: 20 });
    later(61);
    expect(await access.level(await session(access, id), rig.project)).toBe(20);
  });

  it("of Ekiden's own token ends when Ekiden gets another", async () => {
    const bot = rig.newUser(40);
    const first = rig.open({ serviceToken: bot.token });
    const id = await first.access.openSession(await withToken(first.access, bot.token));
    expect(await session(first.access, id)).toMatchObject({ isService: true });
    const token = rig.gitlab.createToken({ userId: bot.id });
    const second = rig.open({ serviceToken: token, keys: first.keys });
    await expect(session(second.access, id)).rejects.toMatchObject({ code: 'E_SESSION' });
  });
});

describe('a ticket', () => {
  it('lets its caller in once', async () => {
    const { access } = rig.open();
    const caller = await withToken(access, rig.newUser(30).token);
    const { ticket, expiresAt } = await access.issueTicket(caller);
    expect(expiresAt).toBeGreaterThan(Date.now());
    expect(await access.identify({ kind: 'ticket', value: ticket })).toEqual(caller);
    await expect(access.identify({ kind: 'ticket', value: ticket })).rejects.toMatchObject({
      status: 401,
      code: 'E_TICKET',
    });
  });
});
