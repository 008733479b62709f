/** Watches on which TCP ports the instances of this node listen, since after their end nobody can tell. */
import { readdir, readFile, readlink } from 'node:fs/promises';
import { messageOf } from '../core/errors.ts';
import { listenersOf, type Proc } from '../core/listening.ts';
import type { Log } from '../core/log.ts';
import { keepLooking } from '../core/looking.ts';
import type { ListeningPort, ListeningPorts, NodeInstance, NodeInstances } from '../core/node.ts';

export interface ListeningOptions {
  instances: Pick<NodeInstances, 'list' | 'find'>;
  log: Log;
  proc?: Proc;
  /** Milliseconds from one look at all instances to the next. */
  every?: number;
}

export interface NodeListening extends ListeningPorts {
  start(): void;
  stop(): Promise<void>;
}

const lookEvery = 2_000;

/** Milliseconds: what has run for longer seldom listens elsewhere, so it is looked at in every tenth round. */
const settled = 60_000;

const systemProc: Proc = {
  text: (path) => readFile(path, 'utf8'),
  names: (folder) => readdir(folder),
  link: (path) => readlink(path),
};

interface Seen {
  firstAt: number;
  ports?: ListeningPort[];
}

export function createListening(options: ListeningOptions): NodeListening {
  const { instances, log, proc = systemProc, every = lookEvery } = options;
  const seen = new Map<string, Seen>();
  let stop: () => Promise<void> = async () => undefined;
  let round = 0;

  async function look({ id, running }: NodeInstance): Promise<ListeningPort[] | undefined> {
    const before = seen.get(id) ?? { firstAt: Date.now() };
    seen.set(id, before);
    const found = running && portsOf(await listenersOf(proc, containerOf(running)));
    // One that is about to end has closed its sockets already, and what it had tells more.
    if (found && (found.length > 0 || !before.ports)) seen.set(id, { ...before, ports: found });
    return found;
  }

  async function lookAtAll(): Promise<void> {
    round += 1;
    const known = instances.list();
    const ids = new Set(known.map(({ id }) => id));
    for (const id of seen.keys()) if (!ids.has(id)) seen.delete(id);
    for (const instance of known) {
      const age = Date.now() - (seen.get(instance.id)?.firstAt ?? Date.now());
      if (instance.running && (age < settled || round % 10 === 0)) await look(instance);
    }
  }

  return {
    start() {
      const onError = (error: unknown) =>
        log.warn({ error: messageOf(error) }, 'cannot look where instances listen');
      stop = keepLooking({ look: lookAtAll, every, onError });
    },
    stop: () => stop(),
    async of(id) {
      const instance = await instances.find(id);
      const now = instance?.running && (await look(instance));
      return now ?? seen.get(id)?.ports;
    },
  };
}

function containerOf({ id, pid, hasOwnNetwork }: NonNullable<NodeInstance['running']>) {
  return { containerId: id, pid, onHost: !hasOwnNetwork };
}

/** Each port once, in order; it is reachable where one of its sockets is. */
function portsOf(listeners: ListeningPort[] | undefined): ListeningPort[] | undefined {
  if (!listeners) return undefined;
  const ports = new Map<number, boolean>();
  for (const { port, loopback } of listeners) {
    ports.set(port, loopback && (ports.get(port) ?? true));
  }
  return [...ports]
    .map(([port, loopback]) => ({ port, loopback }))
    .sort((a, b) => a.port - b.port)
    .slice(0, mostPorts);
}

/** A process may listen on thousands, and nobody reads them. */
const mostPorts = 50;
