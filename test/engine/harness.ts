/** Starts engines over the real Docker for black-box tests, and clears up all that they made. */
import { randomBytes } from 'node:crypto';
import { copyFile, mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createParser } from 'eventsource-parser';
import { type EngineOptions, type RunningEngine, startEngine } from '../../runners/engine.ts';
import { connectDocker } from '../../src/clients/docker.ts';
import type { Json, MarathonEvent, Reply } from '../marathon/answers.ts';

export type { Json, MarathonEvent } from '../marathon/answers.ts';

const env = process.env;
export const dockerHost = env['DOCKER_HOST'] ?? 'unix:///var/run/docker.sock';
export const busybox = env['EKIDEN_TEST_BUSYBOX'] ?? 'busybox:latest';
export const docker = connectDocker(dockerHost);

export interface TestEngine {
  readonly url: string;
  readonly install: string;
  readonly data: string;
  /** Folder of a node on the same host. */
  readonly nodeData: string;
  api(method: string, path: string, body?: unknown): Promise<Reply>;
  /** All events since the call, in their order. */
  events(query?: string): Promise<MarathonEvent[]>;
  tasks(appId: string): Promise<Json[]>;
  /** Waits until no deployment is at work on the app. */
  settled(appId: string): Promise<void>;
  /** Starts the next engine with what a kill -9 would have left of this one on disk. */
  crash(): Promise<void>;
  close(): Promise<void>;
}

/** An engine with an install id of its own, so that engines of several tests leave each other alone. */
export async function startTestEngine(options: Partial<EngineOptions> = {}): Promise<TestEngine> {
  const base = env['EKIDEN_TEST_INSTALL'] ?? 'dev-engine';
  const install = `${base}-${randomBytes(4).toString('hex')}`;
  // A node looks for the sandboxes of the engine below its own folder.
  const nodeData = await mkdtemp(join(env['EKIDEN_TEST_DATA'] ?? tmpdir(), 'engine-'));
  const data = join(nodeData, 'engine');
  const start = () =>
    startEngine({
      listen: '127.0.0.1:0',
      data,
      docker: dockerHost,
      install,
      image: busybox,
      // Ekiden takes one that does not drain for a real Marathon.
      drainSeconds: 0.01,
      ...options,
    });
  let engine: RunningEngine = await start();
  const streams = new AbortController();
  const api = (method: string, path: string, body?: unknown) =>
    call(engine.url + path, method, body);
  return {
    get url() {
      return engine.url;
    },
    ...{ install, data, nodeData },
    api,
    events: (query = '') => collectEvents(`${engine.url}/v2/events${query}`, streams.signal),
    tasks: async (appId) => (await api('GET', `/v2/apps${appId}/tasks`)).body.tasks,
    settled: (appId) =>
      until(async () => {
        const { body } = await api('GET', '/v2/deployments');
        return !body.some(({ affectedApps }: Json) => affectedApps.includes(appId));
      }),
    crash: async () => {
      const [state, left] = [join(data, 'state'), join(data, 'left')];
      await copyState(state, left);
      await engine.stop();
      await rm(state, { recursive: true });
      await rename(left, state);
      engine = await start();
    },
    close: async () => {
      streams.abort();
      await engine.stop();
      await removeInstall(install);
      await rm(nodeData, { recursive: true, force: true });
    },
  };
}

/** The state as a crash at this moment would leave it; a file that is just being written is not there yet. */
async function copyState(from: string, to: string): Promise<void> {
  await mkdir(to, { recursive: true });
  const names = (await readdir(from)).filter((name) => name.endsWith('.json'));
  for (const name of names) await copyFile(join(from, name), join(to, name)).catch(unlessRemoved);
}

/** The record of what ended just now is taken away. */
function unlessRemoved(error: NodeJS.ErrnoException): void {
  if (error.code !== 'ENOENT') throw error;
}

/** One request; JSON is parsed. */
export async function call(url: string, method: string, body: unknown): Promise<Reply> {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  const response = await fetch(url, {
    method,
    redirect: 'manual',
    ...(body === undefined ? {} : { body: text }),
  });
  const answer = await response.text();
  const isJson = response.headers.get('content-type')?.includes('json');
  const { status, headers } = response;
  return { status, headers, body: isJson ? JSON.parse(answer) : answer };
}

async function collectEvents(url: string, signal: AbortSignal): Promise<MarathonEvent[]> {
  const events: MarathonEvent[] = [];
  const parser = createParser({
    onEvent: ({ event = '', data }) => events.push({ type: event, data: JSON.parse(data) }),
  });
  const response = await fetch(url, { headers: { Accept: 'text/event-stream' }, signal });
  const decoder = new TextDecoder();
  const read = async () => {
    for await (const chunk of response.body ?? []) {
      parser.feed(decoder.decode(chunk, { stream: true }));
    }
  };
  read().catch(() => undefined);
  return events;
}

/** Polls until `check` is true, for as long as Docker may take on a busy machine; fails with what it saw last. */
export async function until(
  check: () => Promise<unknown> | unknown,
  timeoutMs = 50_000,
): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const seen = await check();
    if (seen === true) return;
    if (Date.now() > deadline)
      throw new Error(`still not so: ${check}; saw ${JSON.stringify(seen)}`);
    await sleep(50);
  }
}

/** Takes all from Docker that an install has made. */
export async function removeInstall(install: string): Promise<void> {
  const label = [`ekiden.install=${install}`];
  // Another engine of the install may have started one anew meanwhile.
  await until(async () => {
    const left = await docker.listContainers({ all: true, filters: { label } });
    for (const { Id } of left) {
      await docker.getContainer(Id).remove({ force: true, v: true }).catch(unlessGoing);
    }
    return left.length === 0;
  });
  for (const { Id } of await docker.listNetworks({ filters: { label } })) {
    await docker.getNetwork(Id).remove();
  }
}

/** Docker says 404 or 409 of a container whose removal is done or under way. */
function unlessGoing(error: { statusCode?: number }): void {
  if (error.statusCode !== 404 && error.statusCode !== 409) throw error;
}

/** Runs until it is asked to end, and then ends at once. */
export const WAIT = 'trap "exit 0" TERM; while :; do sleep 0.05; done';

/** Answers HTTP on `port` with `text` at every path that a file is made for. */
export function serve(port: number | string, text = 'ok'): string {
  return `mkdir /www; echo ${text} > /www/index.html; exec httpd -f -p ${port} -h /www`;
}

/** A bridged app whose container is said to listen on `containerPort`. */
export function bridged(id: string, cmd: string, containerPort = 8080): Json {
  return {
    id,
    cmd,
    cpus: 0.1,
    mem: 32,
    taskKillGracePeriodSeconds: 0,
    networks: [{ mode: 'container/bridge' }],
    container: {
      type: 'DOCKER',
      docker: { image: busybox },
      portMappings: [{ containerPort }],
    },
  };
}

export function plain(id: string, cmd = WAIT): Json {
  return { id, cmd, cpus: 0.1, mem: 32 };
}

export const TCP_CHECK = {
  protocol: 'TCP',
  portIndex: 0,
  gracePeriodSeconds: 60,
  intervalSeconds: 1,
  timeoutSeconds: 2,
};

/** Runs a command in a container to its end. */
export async function exec(containerId: string | undefined, Cmd: string[]): Promise<void> {
  const run = await docker.getContainer(containerId ?? '').exec({ Cmd, AttachStdout: true });
  const stream = await run.start({});
  await new Promise((resolve) => stream.resume().once('close', resolve).once('end', resolve));
}

/** The ids of the containers that were made for a task. */
export async function containersOf(taskId: string): Promise<string[]> {
  const label = [`MESOS_TASK_ID=${taskId}`];
  const found = await docker.listContainers({ all: true, filters: { label } });
  return found.map(({ Id }) => Id);
}
