/** Prints logs line by line, each line of several logs with the name of its own before it. */
import { once } from 'node:events';
import { StringDecoder } from 'node:string_decoder';
import type { FollowedPart } from '../../src/remote.ts';
import { colours } from '../terminal.ts';

/** Characters of a line that does not end; then it is printed in parts. */
const longestLine = 64 * 1024;

/** Ends all colours, since what hides text would hide what is typed next as well. */
const plainAgain = '\x1b[0m';

const hues = [colours.cyan, colours.yellow, colours.green, colours.magenta, colours.blue];

export interface LogPrinter {
  add(part: FollowedPart | Uint8Array): Promise<void>;
  /** Prints a line that has no end. */
  end(): Promise<void>;
}

let isGuarded = false;

/** Whoever interrupts a log that is followed wants their terminal back as it was, too. */
function guardTerminal(): void {
  if (isGuarded || !process.stdout.isTTY) return;
  isGuarded = true;
  process.once('SIGINT', () => {
    process.stdout.write(plainAgain, () => process.kill(process.pid, 'SIGINT'));
  });
}

/** `name` goes before each line; without one the bytes are printed as they come. */
export function createLogPrinter(name?: string, index = 0): LogPrinter {
  guardTerminal();
  if (name === undefined) {
    return {
      add: (part) => write(bytesOf(part)),
      end: async () => {
        if (process.stdout.isTTY) await write(plainAgain);
      },
    };
  }
  const hue = hues[index % hues.length] ?? colours.dim;
  const prefix = `${hue(name)} ${colours.dim('|')} `;
  const decoder = new StringDecoder('utf8');
  let rest = '';
  return {
    async add(part) {
      const lines = (rest + decoder.write(Buffer.from(bytesOf(part)))).split('\n');
      rest = lines.pop() ?? '';
      if (rest.length > longestLine) {
        lines.push(rest);
        rest = '';
      }
      for (const line of lines) await write(`${prefix}${line}\n`);
    },
    async end() {
      rest += decoder.end();
      if (rest !== '') await write(`${prefix}${rest}\n`);
      rest = '';
    },
  };
}

function bytesOf(part: FollowedPart | Uint8Array): Uint8Array {
  if (part instanceof Uint8Array) return part;
  if (part.type === 'data') return part.bytes;
  return Buffer.from(`\n[${part.bytes} bytes were left out]\n`);
}

/** Whoever reads slowly is waited for. */
async function write(text: string | Uint8Array): Promise<void> {
  if (!process.stdout.write(text)) await once(process.stdout, 'drain');
}
