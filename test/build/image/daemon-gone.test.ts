/** A Docker daemon that goes away in the middle of a build, behind a socket that is cut. */
import { mkdtemp, rm } from 'node:fs/promises';
import { createConnection, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { connectDocker } from '../../../src/clients/docker.ts';
import { parseDockerHost } from '../../../src/core/docker-host.ts';
import { RemoteError } from '../../../src/core/errors.ts';
import { type BuildHost, commandsWith, startBuildHost } from '../registry.ts';
import { buildsOn, stepsOf } from './builds.ts';

let host: BuildHost;

beforeAll(async () => {
  host = await startBuildHost();
});
afterAll(async () => {
  await host.stop();
});

/** Passes everything on to the daemon, until it is cut; then nothing answers any more. */
async function startCutter() {
  const folder = await mkdtemp(join(tmpdir(), 'cut-'));
  const path = join(folder, 'docker.sock');
  const sockets = new Set<Socket>();
  const target = parseDockerHost(process.env['DOCKER_HOST'] ?? 'unix:///var/run/docker.sock');
  const server = createServer((near) => {
    const far =
      target && 'socketPath' in target
        ? createConnection(target.socketPath)
        : createConnection({ host: target?.host ?? '', port: Number(target?.port) });
    near.pipe(far).pipe(near);
    for (const [socket, other] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => {
        sockets.delete(socket);
        other.destroy();
      });
    }
  });
  await new Promise<void>((listening) => server.listen(path, listening));
  const cut = () => {
    server.close();
    for (const socket of sockets) socket.destroy();
  };
  onTestFinished(async () => {
    cut();
    await rm(folder, { recursive: true, force: true });
  });
  return { docker: connectDocker(path, { keepAlive: false }), sockets, cut };
}

describe.each(['buildkit', 'classic'] as const)('by %s', (builder) => {
  const { failureOf, build } = buildsOn(() => host, { builder });

  it('fails with a reason, may be tried again, and leaves nothing', async () => {
    const { docker, cut } = await startCutter();
    const mark = crypto.randomUUID();
    const events: Parameters<typeof stepsOf>[0] = [];
    const failure = await failureOf({
      ...{ docker, dockerfile: `${host.from}\nRUN echo begun; sleep 62; echo ${mark}\n` },
      onStep(event) {
        events.push(event);
        if (event.type === 'output' && event.text.includes('begun')) cut();
      },
    });
    expect(failure).toBeInstanceOf(RemoteError);
    expect(failure).toMatchObject({ code: 'E_DOCKER', retryable: true });
    expect(failure.message).toBe('Docker did not build: the connection to it broke off (aborted)');
    expect(stepsOf(events).at(-1)).toMatchObject({ state: 'canceled', ends: 1 });
    await expect.poll(() => commandsWith(mark)).toEqual([]);
    await expect.poll(() => host.containers()).toEqual([]);
  });

  it('keeps no connection when a build is over, however it ended', async () => {
    const { docker, sockets } = await startCutter();
    await build({ docker, dockerfile: `${host.from}\nENV A=${crypto.randomUUID()}\n` });
    await expect.poll(() => sockets.size).toBe(0);
    await failureOf({ docker, dockerfile: `${host.from}\nRUN exit 3\n` });
    await expect.poll(() => sockets.size).toBe(0);
    const cancel = new AbortController();
    await failureOf({
      ...{ docker, dockerfile: `${host.from}\nRUN echo begun; sleep 63\n` },
      signal: cancel.signal,
      onStep: (event) => void (event.type === 'output' && cancel.abort()),
    });
    await expect.poll(() => sockets.size).toBe(0);
  });
});
