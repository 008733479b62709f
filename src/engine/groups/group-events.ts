/** Tells of each write as the change of a group, which is how Marathon's clients learn of it. */
import { messageOf } from '../../core/errors.ts';
import type { Publish } from '../api/event-stream.ts';

interface Write {
  /** The group that Marathon names for this kind of write. */
  groupId: string;
  version: string;
}

/** Runs a write; what it throws is told of as well. */
export function toldOf<T>(publish: Publish, { groupId, version }: Write, write: () => T): T {
  try {
    const result = write();
    publish('group_change_success', { groupId, version });
    return result;
  } catch (error) {
    publish('group_change_failed', { groupId, version, reason: messageOf(error) });
    throw error;
  }
}
