/** Reads the JSON lines in which dockerd tells how a build or a push goes. */
import { StringDecoder } from 'node:string_decoder';
import { z } from 'zod';
import { InputError, RemoteError } from '../../core/errors.ts';

/** A line of dockerd is a few KB at most; more than this is no progress message. */
const lineLimit = 1024 * 1024;

const messageSchema = z.looseObject({
  stream: z.string().optional(),
  status: z.string().optional(),
  id: z.string().optional(),
  error: z.string().optional(),
  errorDetail: z.object({ code: z.number().optional(), message: z.string().optional() }).optional(),
  aux: z
    .object({
      ID: z.string().optional(),
      Digest: z.string().optional(),
      Tag: z.string().optional(),
    })
    .optional(),
});

export type ProgressMessage = z.output<typeof messageSchema>;

/** Yields each message; a message cut in the middle of a character is put together first. */
export async function* readProgress(
  stream: AsyncIterable<Buffer | string>,
): AsyncGenerator<ProgressMessage> {
  const decoder = new StringDecoder('utf8');
  let rest = '';
  for await (const chunk of stream) {
    rest += typeof chunk === 'string' ? chunk : decoder.write(chunk);
    const lines = rest.split('\n');
    rest = lines.pop() ?? '';
    if (rest.length > lineLimit) throw badLine(rest);
    for (const line of lines) if (line.trim() !== '') yield parseLine(line);
  }
  rest += decoder.end();
  if (rest.trim() !== '') yield parseLine(rest);
}

function parseLine(line: string): ProgressMessage {
  try {
    return messageSchema.parse(JSON.parse(line));
  } catch {
    throw badLine(line);
  }
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

/** The step that a message begins, from 1; the classic builder counts all instructions of the file. */
export function stepIn({ stream = '' }: ProgressMessage): number | undefined {
  const step = /^Step (\d+)\/\d+ : /.exec(stream)?.[1];
  return step === undefined ? undefined : Number(step);
}

/** A step of a Dockerfile failed, in Docker's words. */
export class StepError extends InputError {
  /** Which one, from 1; undefined when it failed before the first. */
  readonly step: number | undefined;

  constructor(message: string, step: number | undefined) {
    super(message, { code: 'E_BUILD_STEP' });
    this.step = step;
  }
}
