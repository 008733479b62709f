/** What the writes of the API do to groups: each becomes one deployment of all apps that it changes. */
import { ApiError, invalidObject, notFound } from '../api/api-error.ts';
import { parentOf, resolvedId } from '../apps/app-id.ts';
import type { Context } from '../context.ts';
import type { Change, DeploymentResult, Deployments } from '../deployments/deployments.ts';
import type { Step } from '../deployments/plan.ts';
import { rootAt } from '../state/root-history.ts';
import type { Group } from './group.ts';
import {
  removedGroup,
  restoredGroup,
  scaledGroup,
  type TreeChange,
  updatedGroup,
} from './group-change.ts';
import { toldOf } from './group-events.ts';
import type { GroupInput } from './group-schema.ts';
import { ensureValidGroup, isTopLevel, onlyTopLevel } from './group-validation.ts';

interface GroupWritesOptions extends Pick<Context, 'cluster' | 'publish' | 'clock'> {
  deployments: Deployments;
}

/** `base` is the id in the address; the one in the body may be relative to it. */
interface GroupRequest {
  base: string;
  input: GroupInput;
  force: boolean;
}

export function createGroupWrites(options: GroupWritesOptions): GroupWrites {
  return new GroupWrites(options);
}

class GroupWrites {
  readonly #options: GroupWritesOptions;

  constructor(options: GroupWritesOptions) {
    this.#options = options;
  }

  /** 404 where there is none. */
  existing(id: string): Group {
    const group = this.#options.cluster.groups.get(id);
    if (!group) throw notFound('Group', id);
    return group;
  }

  /** 409 where a group or an app has the id already. */
  create(request: GroupRequest): { id: string; result: DeploymentResult } {
    const { groups, records } = this.#options.cluster;
    const id = idOf(request);
    const change = this.#change(request);
    if (groups.has(id)) {
      throw new ApiError(409, `Group ${id} is already created. Use PUT to change this group.`);
    }
    if (records.get(id)?.app) {
      throw new ApiError(409, `An app with the path ${id} already exists.`);
    }
    return { id, result: this.#deploy(change, parentOf(request.base)) };
  }

  /** Changes or makes the group; a body may also scale it or bring an earlier version back. */
  update(request: GroupRequest): DeploymentResult {
    return this.#deploy(this.#change(request), parentOf(request.base));
  }

  /** The steps that `update` would take. */
  plan(request: GroupRequest): Step[] {
    return this.#options.deployments.plan(this.#change(request));
  }

  /** Deletes the group with all that is in it. */
  remove(id: string, force: boolean): DeploymentResult {
    const { cluster, clock, publish, deployments } = this.#options;
    const version = clock.next();
    return toldOf(publish, { groupId: parentOf(id), version }, () => {
      this.existing(id);
      return deployments.apply({ ...removedGroup(cluster.root(), id), force, version });
    });
  }

  /** Changes what only groups right below the root have, without a deployment. */
  patch(id: string, enforceRole = false): void {
    const { cluster, clock } = this.#options;
    if (!isTopLevel(id)) throw invalidObject([{ path: '/', errors: [onlyTopLevel(id)] }]);
    cluster.setGroups([[id, { ...this.existing(id), enforceRole }]], clock.next());
  }

  #change({ base, input, force }: GroupRequest): Change {
    const { cluster, clock } = this.#options;
    const id = idOf({ base, input });
    const root = cluster.root();
    ensureValidGroup(root, { id, input });
    const version = clock.next();
    return { ...this.#treeChange({ id, input }, version), force, version };
  }

  #treeChange({ id, input }: { id: string; input: GroupInput }, now: string): TreeChange {
    const { cluster } = this.#options;
    const root = cluster.root();
    const { version, scaleBy: factor } = input;
    if (factor !== undefined) return scaledGroup(root, { id, factor, now });
    if (version === undefined) return updatedGroup(root, { id, input }, now);
    const past = rootAt(root, cluster.history, version);
    if (past) return restoredGroup(root, past, { id, version, now });
    throw new ApiError(422, `Group ${id} not available in version ${version}`);
  }

  #deploy(change: Change, groupId: string): DeploymentResult {
    const { deployments, publish } = this.#options;
    const { version } = change;
    return toldOf(publish, { groupId, version }, () => deployments.apply(change));
  }
}

export type { GroupWrites };

function idOf({ base, input }: Pick<GroupRequest, 'base' | 'input'>): string {
  return input.id === undefined ? base : resolvedId(input.id, base);
}
