/** The private nginx as a balancer: picks the mode, starts or adopts the process, applies upstreams. */
import { join, resolve } from 'node:path';
import { addressOf } from '../core/address.ts';
import { EkidenError, messageOf, RemoteError, SetupError } from '../core/errors.ts';
import type { Log } from '../core/log.ts';
import type { Balancer, Upstream } from '../core/upstream.ts';
import { writeAtomically } from './files.ts';
import { createControl, poll } from './nginx-control.ts';
import {
  checkStaged,
  prepareFolders,
  readFiles,
  readUpstreams,
  tokenOf,
  writeFiles,
} from './nginx-files.ts';
import { createNginxProcess, type NginxProcess } from './nginx-process.ts';
import { chooseMode, lookAtNginx, workerUser } from './nginx-program.ts';
import { ensureFree } from './nginx-start.ts';
import { type NginxMode, renderers } from './renderers/index.ts';
import {
  type Frame,
  type NginxHost,
  type NginxRenderer,
  revisionOf,
} from './renderers/renderer.ts';
import { createTemplates } from './renderers/templates.ts';

// The kernel takes 107 bytes for the address of a unix socket.
const longestSocketPath = 107;
const restartMs = 15_000;

export interface NginxOptions {
  /** `host:port` for users, the setting NGINX_LISTEN. */
  listen: string;
  /** Id of this install, which marks the process. */
  install: string;
  /** The data folder; nginx lives in its folder `nginx`. */
  data: string;
  /** The folder templates/ of Ekiden. */
  templates: string;
  mode: NginxMode | 'auto';
  /** Name or path of nginx; default `nginx`. */
  program?: string;
  log: Log;
}

/** A balancer with a process of its own, which goes on without Ekiden unless it is stopped. */
export interface Nginx extends Balancer {
  /** Starts nginx with the upstreams of last time, or adopts the one that runs. Throws SetupError. */
  start(): Promise<{ mode: NginxMode; adopted: boolean }>;
  stop(): Promise<void>;
  /** Leaves nginx running. */
  release(): Promise<void>;
}

/** Touches nothing until it is started. */
export function createNginx(options: NginxOptions): Nginx {
  const prefix = resolve(options.data, 'nginx');
  let running: Running | undefined;
  let queue: Promise<void> = Promise.resolve();

  async function applyNow(upstreams: Upstream[]): Promise<void> {
    if (running === undefined) throw new Error('nginx was not started');
    const { renderer, host, revision } = running;
    const wanted = revisionOf(upstreams);
    if ((await revision()) === wanted) return;
    const kept = await readFiles(prefix);
    try {
      await renderer.apply(upstreams, host);
      if ((await revision()) === wanted) return;
      throw new RemoteError('nginx does not answer with the new upstreams.', {
        code: 'E_NGINX_REVISION',
      });
    } catch (error) {
      await writeFiles(prefix, kept);
      throw error;
    }
  }

  return {
    start: async () => {
      running = await startNginx(options, prefix);
      return { mode: running.mode, adopted: running.adopted };
    },
    current: () => readUpstreams(prefix),
    apply: (upstreams) => {
      const turn = queue.then(() => applyNow(upstreams));
      queue = turn.catch(() => undefined);
      return turn;
    },
    release: async () => running?.process.release(),
    stop: async () => running?.process.stop(),
  };
}

interface Running {
  mode: NginxMode;
  adopted: boolean;
  renderer: NginxRenderer;
  process: NginxProcess;
  host: NginxHost;
  /** Of the upstreams that nginx answers with; undefined while it is away. */
  revision: () => Promise<string | undefined>;
}

async function startNginx(options: NginxOptions, prefix: string): Promise<Running> {
  const program = await lookAtNginx(options.program);
  const mode = chooseMode(options.mode, program);
  const frame = await prepare(options, prefix, mode === 'dynamic' ? program.luaModules : []);
  const renderer = renderers[mode](createTemplates(join(options.templates, 'nginx')), frame);
  const control = createControl(frame.control);
  const listen = addressOf(options.listen);
  const process = createNginxProcess({
    program: program.program,
    prefix,
    record: join(options.data, 'run/nginx.json'),
    listen,
    socketPath: frame.control,
    token: frame.token,
    control,
    log: options.log,
  });
  const host: NginxHost = {
    check: (changes) => checkStaged(program.program, prefix, changes),
    write: (file, text) => writeAtomically(join(prefix, file), text),
    reload: process.reload,
    put: (path, text) => putWhenUp(() => control.put(path, text)),
  };
  const adopted = await process.adopt();
  if (!adopted || !(await listensAt(prefix, options.listen))) await ensureFree(listen);
  const renewed = await renew({ renderer, host, prefix, log: options.log });
  if (!adopted) await process.launch();
  else if (renewed) await process.reload();
  process.watch();
  const revision = async () => (await control.health())?.revision;
  return { mode, adopted, renderer, process, host, revision };
}

/** Whether the configuration that a running nginx has names the address. */
async function listensAt(prefix: string, address: string): Promise<boolean> {
  const files = await readFiles(prefix);
  return Object.values(files).some((text) => text.includes(`listen ${address};`));
}

/** Makes the folders and gathers what the configuration says apart from upstreams. */
async function prepare(
  { listen, install }: NginxOptions,
  prefix: string,
  modules: string[],
): Promise<Frame> {
  const control = join(prefix, 'control/nginx.sock');
  if (Buffer.byteLength(control) > longestSocketPath || /["$\\]/.test(control)) {
    throw new SetupError(`The path ${control} cannot be used for a socket.`, {
      code: 'E_NGINX_SOCKET',
      hint: 'Set EKIDEN_DATA to a folder with a shorter, simpler path.',
    });
  }
  await prepareFolders(prefix);
  const token = await tokenOf(prefix, install);
  const user = await workerUser();
  // Workers of another user than ours may not reach the data folder.
  const temporary = user === '' ? 'tmp' : '';
  return { listen, control, token, user, modules, temporary };
}

/** Brings the files up to date with the templates; those that nginx refuses change nothing. */
async function renew(options: {
  renderer: NginxRenderer;
  host: NginxHost;
  prefix: string;
  log: Log;
}): Promise<boolean> {
  const { renderer, host, prefix, log } = options;
  const present = await readFiles(prefix);
  try {
    const files = await renderer.files(await readUpstreams(prefix));
    const changes = Object.entries(files).filter(([file, text]) => present[file] !== text);
    if (changes.length === 0) return false;
    await host.check(Object.fromEntries(changes));
    await writeFiles(prefix, Object.fromEntries(changes));
    return true;
  } catch (error) {
    if (present['nginx.conf'] === undefined) throw error;
    log.error(
      { error: messageOf(error) },
      'the nginx templates cannot be used; the last good stay',
    );
    return false;
  }
}

/** Waits for an nginx that is just being started again. */
async function putWhenUp(put: () => Promise<void>): Promise<void> {
  let last: unknown;
  const attempt = async () => {
    try {
      await put();
      return true;
    } catch (error) {
      last = error;
      const isAway = error instanceof EkidenError && error.code === 'E_NGINX_AWAY';
      return isAway ? undefined : false;
    }
  };
  if (!(await poll(attempt, { limitMs: restartMs, everyMs: 100 }))) throw last;
}
