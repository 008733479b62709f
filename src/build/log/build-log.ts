/** Opens the log of a build for a leg: what it writes is cleaned, freed of secrets, and kept in pieces. */
import type { BuildLog, BuildLogStore } from '../../core/build-log.ts';
import { maskersOf } from '../../core/secret.ts';
import type { Note } from './journey.ts';
import { createLogWriter, type LogWriter, longestPiece } from './log-writer.ts';
import { createTerminalText } from './terminal-text.ts';
import { createWaitingBytes } from './waiting-bytes.ts';

export type { BuildLog } from '../../core/build-log.ts';

export interface BuildLogs {
  /** Opens the log for appending; many may have it open. */
  open(build: string): BuildLog;
  /** Adds lines of a leg that writes no more than these, once for each key. @throws where they cannot be kept now */
  note(build: string, note: Note): Promise<void>;
}

/** Milliseconds after which a line without an end is shown, and shown again when it was written over. */
const showEvery = 500;

export function createBuildLogs(store: Pick<BuildLogStore, 'append'>): BuildLogs {
  return {
    open: (build) => openLog(createLogWriter(store, build)),
    async note(build, { key, text }) {
      const terminal = createTerminalText();
      const waiting = createWaitingBytes();
      waiting.add(Buffer.from(terminal.write(text) + terminal.end()));
      for (let number = 1; waiting.size > 0; number += 1) {
        await store.append({ build, writer: key, number, bytes: waiting.take(longestPiece) });
      }
    },
  };
}

function openLog(writer: LogWriter): BuildLog {
  const terminal = createTerminalText();
  const hidden = new Set<string>();
  let createMasker = maskersOf(hidden);
  let masker = createMasker();
  let timer: NodeJS.Timeout | undefined;

  const showLater = () => {
    if (terminal.holds) timer ??= setTimeout(show, showEvery).unref();
  };
  function show(): void {
    timer = undefined;
    writer.append(masker.write(terminal.show()));
  }

  return {
    write(text) {
      // Masked last: a character that is left out may have stood within a secret.
      writer.append(masker.write(terminal.write(text)));
      showLater();
    },
    hide(values) {
      writer.append(masker.end());
      for (const value of values) hidden.add(value);
      createMasker = maskersOf(hidden);
      masker = createMasker();
    },
    masked(text) {
      const own = createMasker();
      return own.write(text) + own.end();
    },
    masker: () => createMasker(),
    room: writer.room,
    async close() {
      clearTimeout(timer);
      timer = undefined;
      writer.append(masker.write(terminal.end()) + masker.end());
      await writer.close();
    },
  };
}
