/** Ends the progress of a build that Docker forgets to end. */
import type { Readable } from 'node:stream';
import { imageIn, type ProgressMessage, readProgress } from './progress.ts';

/** Long enough for a busy daemon to name an image. */
const limit = 15_000;

/**
 * Reads the progress of BuildKit until its end, or until nothing more is told for `silence` ms once the
 * image is made. Docker 20.10 falls silent so, or repeats empty messages without end, where its limits
 * for what steps print are raised, and a step prints much more than a megabyte a second.
 */
export async function* readUntilSilent(
  progress: Readable,
  silence = limit,
): AsyncGenerator<ProgressMessage> {
  let timer: NodeJS.Timeout | undefined;
  let isSilent = false;
  const giveUp = () => {
    isSilent = true;
    progress.destroy();
  };
  try {
    for await (const message of readProgress(progress)) {
      if (message.aux === '') continue;
      timer?.refresh();
      if (imageIn(message) !== undefined) timer ??= setTimeout(giveUp, silence);
      yield message;
    }
  } catch (error) {
    if (!isSilent) throw error;
  } finally {
    clearTimeout(timer);
  }
}
