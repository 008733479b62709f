/** A Docker daemon of the test's own, which can be restarted in either mode. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connectDocker } from '../../src/clients/docker.ts';
import { poll } from '../demo/poll.ts';
// @ts-expect-error The set-up is plain JavaScript, since it runs before there is a compiler.
import { unmountBelow } from '../setup/mounts.js';

const within = 60_000;

export interface OwnDockerd {
  host: string;
  /** Ends it, or has it ended by a signal, and starts it again. */
  restart(options: { liveRestore: boolean; signal?: NodeJS.Signals }): Promise<void>;
  stop(): Promise<void>;
}

/** Starts one with the images that the tests use, taken from `from`. */
export async function startOwnDockerd(from: string, images: string[]): Promise<OwnDockerd> {
  const data = await mkdtemp(join(process.env['EKIDEN_TEST_DATA'] ?? tmpdir(), 'dockerd-'));
  // The path of a socket has at most 107 bytes.
  const runtime = await mkdtemp('/run/ekiden-test-');
  const host = `unix://${runtime}/docker.sock`;
  const folders = { data, runtime, host };
  await mkdir(join(runtime, 'exec'));
  let daemon = spawnDaemon(folders, true);
  const stop = async () => {
    await end(daemon, 'SIGTERM');
    await endLeftovers(runtime);
    await unmountBelow(data);
    await unmountBelow(runtime);
    await rm(runtime, { recursive: true, force: true });
    await rm(data, { recursive: true, force: true });
  };
  try {
    await awaitDaemon(host);
    for (const image of images) await copyImage(from, host, image);
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    host,
    async restart({ liveRestore, signal = 'SIGTERM' }) {
      await end(daemon, signal);
      daemon = spawnDaemon(folders, liveRestore);
      await awaitDaemon(host);
    },
    stop,
  };
}

interface Folders {
  data: string;
  runtime: string;
  host: string;
}

function spawnDaemon({ data, runtime, host }: Folders, liveRestore: boolean): ChildProcess {
  const log = openSync(join(data, 'dockerd.log'), 'a');
  const args = [
    ...['--data-root', join(data, 'root'), '--exec-root', join(runtime, 'exec')],
    ...['--pidfile', join(runtime, 'dockerd.pid'), '--host', host, '--bridge', 'none'],
    ...['--iptables=false', '--ip6tables=false', '--ip-masq=false', '--log-level', 'warn'],
    ...(liveRestore ? ['--live-restore'] : []),
  ];
  const daemon = spawn('dockerd', args, { stdio: ['ignore', log, log], detached: true });
  closeSync(log);
  return daemon;
}

async function awaitDaemon(host: string): Promise<void> {
  const docker = connectDocker(host);
  await poll(() => docker.ping(), { within, what: 'a Docker daemon' });
}

async function end(daemon: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (daemon.exitCode !== null || daemon.signalCode !== null) return;
  const exited = once(daemon, 'exit');
  daemon.kill(signal);
  await exited;
}

async function copyImage(from: string, to: string, image: string): Promise<void> {
  const archive = await connectDocker(from).getImage(image).get();
  const answer = await connectDocker(to).loadImage(archive);
  await new Promise((resolve, reject) => {
    answer.on('end', resolve).on('error', reject).resume();
  });
}

/** With live-restore containerd and its shims go on without their daemon. */
async function endLeftovers(runtime: string): Promise<void> {
  const file = join(runtime, 'exec/containerd/containerd.pid');
  const pid = Number(await readFile(file, 'utf8').catch(() => '0'));
  if (
    pid > 0 &&
    (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).includes(runtime)
  ) {
    process.kill(pid, 'SIGKILL');
  }
}
