/** Reads the JSON lines in which dockerd tells how a build or a push goes. */
import { StringDecoder } from 'node:string_decoder';
import { z } from 'zod';
import { RemoteError } from '../../core/errors.ts';

/**
 * BuildKit sends what its steps printed within a tenth of a second as one line; where the daemon does
 * not slow them down, that may be many megabytes.
 */
const lineLimit = 64 * 1024 * 1024;

const messageSchema = z.looseObject({
  stream: z.string().optional(),
  status: z.string().optional(),
  id: z.string().optional(),
  error: z.string().optional(),
  errorDetail: z.object({ code: z.number().optional(), message: z.string().optional() }).optional(),
  aux: z
    .union([
      z.string(),
      z.object({
        ID: z.string().optional(),
        Digest: z.string().optional(),
        Tag: z.string().optional(),
      }),
    ])
    .optional(),
});

/** `aux` is a text in BuildKit's messages, and an object in the others. */
export type ProgressMessage = z.output<typeof messageSchema>;

/** Yields each message; a message cut in the middle of a character is put together first. */
export async function* readProgress(
  stream: AsyncIterable<Buffer | string>,
): AsyncGenerator<ProgressMessage> {
  const decoder = new StringDecoder('utf8');
  let pieces: string[] = [];
  let length = 0;
  for await (const chunk of stream) {
    const text = typeof chunk === 'string' ? chunk : decoder.write(chunk);
    const [first = '', ...more] = text.split('\n');
    pieces.push(first);
    length += first.length;
    if (length > lineLimit) throw badLine(pieces.join(''));
    for (const next of more) {
      yield* parseLine(pieces.join(''));
      pieces = [next];
      length = next.length;
    }
  }
  pieces.push(decoder.end());
  yield* parseLine(pieces.join(''));
}

function* parseLine(line: string): Generator<ProgressMessage> {
  if (line.trim() === '') return;
  let message: ProgressMessage;
  try {
    message = messageSchema.parse(JSON.parse(line));
  } catch {
    throw badLine(line);
  }
  yield message;
}

function badLine(line: string): RemoteError {
  return new RemoteError(`Docker sent something that is no progress: ${line.slice(0, 200)}`, {
    code: 'E_DOCKER',
  });
}

/** What a message says went wrong: Docker answers 200 and fails in the middle of the stream. */
export function failureIn({ error, errorDetail }: ProgressMessage): string | undefined {
  if (error === undefined && errorDetail === undefined) return undefined;
  return errorDetail?.message ?? error ?? 'unknown error';
}

/** Docker's id of the image that is made; undefined where the message tells none. */
export function imageIn({ aux }: ProgressMessage): string | undefined {
  return typeof aux === 'object' ? aux.ID : undefined;
}

/** The digest that the registry gave the image; undefined where the message tells none. */
export function digestIn({ aux }: ProgressMessage): string | undefined {
  return typeof aux === 'object' ? aux.Digest : undefined;
}
