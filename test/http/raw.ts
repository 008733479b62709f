/** Speaks HTTP byte by byte, for what a real client would never send. */
import { connect } from 'node:net';

export interface Raw {
  /** Resolves once the bytes are handed to the system; rejects when the other side is gone. */
  write(bytes: string | Uint8Array): Promise<void>;
  /** Everything that came, once one whole answer is there. */
  answer(): Promise<{ status: number; head: string; body: string }>;
  end(): void;
}

export async function openRaw(address: string): Promise<Raw> {
  const { hostname, port } = new URL(address);
  const socket = connect(Number(port), hostname);
  await new Promise((resolve, reject) => {
    socket.once('connect', resolve);
    socket.once('error', reject);
  });
  let text = '';
  let error: Error | undefined;
  const wake = new Set<() => void>();
  const changed = () => {
    for (const each of wake) each();
  };
  socket.on('data', (bytes) => {
    text += bytes.toString('utf8');
    changed();
  });
  socket.on('error', (reason) => {
    error = reason;
  });
  socket.on('close', () => {
    error ??= new Error(`closed after: ${text}`);
    changed();
  });
  return {
    write: (bytes) =>
      new Promise((resolve, reject) => {
        socket.write(bytes, (reason) => (reason ? reject(reason) : resolve()));
      }),
    async answer() {
      for (;;) {
        const whole = parse(text);
        if (whole) return whole;
        if (error) throw error;
        await new Promise<void>((resolve) => wake.add(resolve));
      }
    },
    end: () => socket.destroy(),
  };
}

function parse(text: string) {
  const [head = '', ...rest] = text.split('\r\n\r\n');
  const body = rest.join('\r\n\r\n');
  const length = Number(/^content-length: (\d+)/im.exec(head)?.[1] ?? Number.NaN);
  if (Buffer.byteLength(body) !== length) return undefined;
  return { status: Number(head.split(' ')[1]), head, body };
}

/** The head of a request to the hook. */
export function head(fields: Record<string, string | number>, method = 'POST'): string {
  const lines = Object.entries({ Host: 'ekiden', ...fields }).map(
    ([name, value]) => `${name}: ${value}`,
  );
  return [`${method} /hooks/gitlab HTTP/1.1`, ...lines, '', ''].join('\r\n');
}
