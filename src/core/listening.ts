/** Which TCP ports a container's own processes listen on, found in the kernel's tables in /proc. */

export interface Listener {
  port: number;
  /** Reachable through the loopback address only. */
  loopback: boolean;
  inode: string;
}

/** How /proc of this host is read; each rejects for what is not there, or not for this user. */
export interface Proc {
  text(path: string): Promise<string>;
  names(folder: string): Promise<string[]>;
  link(path: string): Promise<string>;
}

export interface ContainerProcess {
  /** Of the container's first process. */
  pid: number;
  containerId: string;
  /** The network is the machine's, so that only the sockets of the container's processes count. */
  onHost: boolean;
}

const LISTEN_STATE = '0A';

/** 127.0.0.11, where Docker itself answers names in every container. */
const DOCKER_RESOLVER = '0B00007F';

/** Reads the lines of /proc/net/tcp and tcp6; addresses are hexadecimal, in the byte order of the machine. */
export function parseListeners(table: string): Listener[] {
  return table.split('\n').flatMap((line) => {
    const [, local = '', , state, , , , , , inode = ''] = line.trim().split(/\s+/);
    const [address = '', port = ''] = local.split(':');
    if (state !== LISTEN_STATE || address === DOCKER_RESOLVER) return [];
    return [{ port: Number.parseInt(port, 16), loopback: isLoopback(address), inode }];
  });
}

/** 127.0.0.0/8 and ::1, and the former mapped into IPv6, in little-endian words. */
function isLoopback(address: string): boolean {
  if (address.length === 8) return address.endsWith('7F');
  return (
    address === '00000000000000000000000001000000' ||
    (address.startsWith('0000000000000000FFFF0000') && address.endsWith('7F'))
  );
}

/** The sockets that listen in a container; undefined where /proc does not tell. */
export async function listenersOf(
  proc: Proc,
  { pid, containerId, onHost }: ContainerProcess,
): Promise<Listener[] | undefined> {
  try {
    // Whoever asks may see other process numbers than Docker does: never trust a foreign process.
    const groups = await proc.text(`/proc/${pid}/cgroup`);
    if (!groups.includes(containerId)) return undefined;
    const tables = await Promise.all([
      proc.text(`/proc/${pid}/net/tcp`),
      proc.text(`/proc/${pid}/net/tcp6`).catch(() => ''),
    ]);
    const listeners = tables.flatMap(parseListeners);
    if (!onHost) return listeners;
    // Throws for a user who may not look, instead of finding nothing.
    await proc.names(`/proc/${pid}/fd`);
    const own = await socketsOf(proc, await descendants(proc, pid));
    return listeners.filter(({ inode }) => own.has(inode));
  } catch {
    return undefined;
  }
}

/** Orphans are given to the container's first process, so all of its processes descend from it. */
async function descendants(proc: Proc, pid: number): Promise<number[]> {
  const found = [pid];
  for (let index = 0; index < found.length; index++) {
    const parent = found[index];
    for (const thread of await proc.names(`/proc/${parent}/task`).catch(() => [])) {
      const path = `/proc/${parent}/task/${thread}/children`;
      const children = await proc.text(path).catch(() => '');
      found.push(...children.split(' ').filter(Boolean).map(Number));
    }
  }
  return found;
}

async function socketsOf(proc: Proc, pids: number[]): Promise<Set<string>> {
  const inodes = new Set<string>();
  for (const pid of pids) {
    const folder = `/proc/${pid}/fd`;
    for (const fd of await proc.names(folder).catch(() => [])) {
      const target = await proc.link(`${folder}/${fd}`).catch(() => '');
      const inode = /^socket:\[(\d+)\]$/.exec(target)?.[1];
      if (inode) inodes.add(inode);
    }
  }
  return inodes;
}

/** One sentence on why nothing answers at `port`, from what listens instead. */
export function explainRefusal(
  port: number,
  listeners: readonly Pick<Listener, 'port' | 'loopback'>[] | undefined,
): string {
  if (!listeners) return 'connection refused';
  const here = listeners.filter((listener) => listener.port === port);
  if (here.length > 0) {
    return here.every(({ loopback }) => loopback)
      ? `the container listens on port ${port} of its loopback address only; it must listen on 0.0.0.0`
      : 'connection refused';
  }
  const others = [...new Set(listeners.map((listener) => listener.port))].sort((a, b) => a - b);
  const elsewhere = others.length === 0 ? 'no port' : others.slice(0, 5).join(', ');
  return `listens on ${elsewhere}, checked ${port}`;
}
