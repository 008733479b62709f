/** Puts together what tells people how far their builds are. */
import { hostname } from 'node:os';
import { createBuildLogs } from './build/log/build-log.ts';
import { createBuildLine } from './build-line.ts';
import type { BuildRoom } from './build-room.ts';
import { createReport } from './gitlab/report.ts';
import { createStatuses } from './gitlab/statuses.ts';
import { withJournal } from './journal.ts';
import type { Parts } from './parts.ts';
import { createWaitingWords } from './waiting-words.ts';

export function createTelling(parts: Parts & { buildRoom: BuildRoom }) {
  const { config, log, stores } = parts;
  const statuses = createStatuses({ ...parts, ...stores, queue: stores.queues.statuses });
  const buildLogs = createBuildLogs(stores.buildLogStore);
  const plain = createReport({ ...stores, statuses, url: config.url });
  const report = withJournal({ ...stores, log, logs: buildLogs, report: plain });
  const { deployments } = stores;
  const { shortage } = parts.buildRoom;
  const host = { name: `${hostname()}:${process.pid}`, slots: config.buildSlots, shortage };
  return {
    ...{ statuses, report },
    buildLine: createBuildLine({ stores, report, log, host }),
    waitingWords: createWaitingWords({ deployments, report: plain, log }),
  };
}
