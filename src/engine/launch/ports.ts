/** Gives out host ports that are really free: kept apart among the engine's tasks and tried on the machine. */
import { createSocket } from 'node:dgram';
import { createServer } from 'node:net';
import { EkidenError } from '../../core/errors.ts';

/** No port can be had now; the launch is tried again later. */
export class PortsTaken extends EkidenError {
  constructor(message: string) {
    super(message, { code: 'E_PORTS', status: 503, mendedBy: 'administrator', retryable: true });
  }
}

export type PortAllocator = ReturnType<typeof createPortAllocator>;

/** What a task needs on the host. */
export interface WantedPort {
  /** 0 for any. */
  port: number;
  /** `tcp`, `udp` or `udp,tcp`. */
  protocol: string;
}

/** `to` is included; Mesos offers 31000 to 32000, which is outside of Linux' own range. */
export function createPortAllocator({ from, to }: { from: number; to: number }) {
  const reserved = new Set<number>();

  async function claimAny(protocol: string): Promise<number> {
    const size = to - from + 1;
    // Engines that run side by side share the range, so they begin at different places.
    const offset = Math.floor(Math.random() * size);
    for (let step = 0; step < size; step++) {
      const port = from + ((offset + step) % size);
      if (reserved.has(port)) continue;
      reserved.add(port);
      if (await isFree(port, protocol)) return port;
      reserved.delete(port);
    }
    throw new PortsTaken(`no free host port between ${from} and ${to}`);
  }

  async function claimExactly(port: number, protocol: string): Promise<number> {
    if (reserved.has(port)) throw new PortsTaken(`host port ${port} belongs to another task`);
    reserved.add(port);
    if (await isFree(port, protocol)) return port;
    reserved.delete(port);
    throw new PortsTaken(`host port ${port} is in use on this machine`);
  }

  return {
    /** One port for each wanted one; all or none. */
    claim: async (wanted: WantedPort[]): Promise<number[]> => {
      const claimed: number[] = [];
      try {
        for (const { port, protocol } of wanted) {
          claimed.push(await (port === 0 ? claimAny(protocol) : claimExactly(port, protocol)));
        }
        return claimed;
      } catch (error) {
        for (const port of claimed) reserved.delete(port);
        throw error;
      }
    },

    /** Takes ports that a running task has already. */
    reserve: (ports: number[]): void => {
      for (const port of ports) reserved.add(port);
    },

    release: (ports: number[]): void => {
      for (const port of ports) reserved.delete(port);
    },
  };
}

async function isFree(port: number, protocol: string): Promise<boolean> {
  const kinds = protocol.split(',').map((kind) => (kind === 'udp' ? isFreeUdp : isFreeTcp));
  const free = await Promise.all(kinds.map((isFreeAs) => isFreeAs(port)));
  return free.every(Boolean);
}

/** Listening on all addresses fails when anybody listens on any of them. */
function isFreeTcp(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ port, host: '0.0.0.0', exclusive: true }, () => {
      server.close(() => resolve(true));
    });
  });
}

function isFreeUdp(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createSocket('udp4');
    socket.once('error', () => socket.close(() => resolve(false)));
    socket.bind({ port, exclusive: true }, () => socket.close(() => resolve(true)));
  });
}
