/** A Docker daemon that is away for a while: what is to be launched then waits for it. */
import { mkdtemp, rm } from 'node:fs/promises';
import { createConnection, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { parseDockerHost } from '../../src/core/docker-host.ts';
import { dockerHost, type Json, plain, startTestEngine } from './harness.ts';
import { expectType } from './schema.ts';

/** A socket that passes everything on to the daemon, and can be taken away and put back. */
async function startPassage() {
  const folder = await mkdtemp(join(tmpdir(), 'away-'));
  const path = join(folder, 'docker.sock');
  const sockets = new Set<Socket>();
  let server: Server;
  const open = async () => {
    server = createServer((near) => connect(near, connectToDocker(), sockets));
    await new Promise<void>((listening) => server.listen(path, listening));
  };
  const close = async () => {
    const closed = new Promise((resolve) => server.close(resolve));
    for (const socket of sockets) socket.destroy();
    await closed;
  };
  await open();
  onTestFinished(async () => {
    await close();
    await rm(folder, { recursive: true, force: true });
  });
  return { docker: `unix://${path}`, open, close };
}

function connectToDocker(): Socket {
  const target = parseDockerHost(dockerHost);
  if (target && 'socketPath' in target) return createConnection(target.socketPath);
  return createConnection({ host: target?.host ?? '', port: Number(target?.port) });
}

/** What one side sends comes out at the other, and both end together. */
function connect(near: Socket, far: Socket, open: Set<Socket>): void {
  near.pipe(far).pipe(near);
  for (const [socket, other] of [
    [near, far],
    [far, near],
  ] as const) {
    open.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => {
      open.delete(socket);
      other.destroy();
    });
  }
}

it('an instance waits in the queue for Docker, and has not failed when that is back', async () => {
  const passage = await startPassage();
  const engine = await startTestEngine({ docker: passage.docker });
  onTestFinished(() => engine.close());
  await engine.api('POST', '/v2/apps', plain('/before'));
  await engine.settled('/before');
  await passage.close();
  await engine.api('POST', '/v2/apps', { ...plain('/late'), backoffSeconds: 3600 });
  await engine.api('POST', '/v2/apps', plain('/gone'));
  const queued = async (id: string) => {
    const { body } = await engine.api('GET', '/v2/queue');
    expectType('queue.Queue', body);
    return body.queue.find(({ app }: Json) => app.id === id);
  };
  const reasonsOf = async (id: string) =>
    (await queued(id))?.processedOffersSummary.rejectSummaryLastOffers
      .filter(({ declined }: Json) => declined > 0)
      .map(({ reason }: Json) => reason);
  await expect.poll(() => reasonsOf('/late'), { timeout: 20_000 }).toEqual(['DockerUnavailable']);
  expect(await queued('/late')).toMatchObject({ count: 1, delay: { overdue: true } });
  expect(await engine.tasks('/late')).toEqual([]);
  await engine.api('DELETE', '/v2/apps/gone');
  await engine.settled('/gone');
  await passage.open();
  await engine.settled('/late');
  expect(await engine.tasks('/late')).toMatchObject([{ state: 'TASK_RUNNING' }]);
  expect((await engine.api('GET', '/v2/apps/late')).body.app.lastTaskFailure).toBeUndefined();
  expect(await engine.tasks('/before')).toHaveLength(1);
});
