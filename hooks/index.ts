/** All hooks, one line each. */
import type { Decision } from '../src/core/hook.ts';
import type { Hook, HookContext } from './context.ts';
import { push } from './push.ts';
import { tagPush } from './tag-push.ts';

const hooks: Hook[] = [push, tagPush];

/** Finds the hook for a delivery by its body: system hooks carry the kind nowhere else. */
export async function handleHook(context: HookContext): Promise<Decision> {
  const kind = kindOf(context.payload);
  const hook = hooks.find((each) => each.event === kind);
  if (hook) return hook.handle(context);
  const known = hooks.map((each) => each.event).join(' and ');
  return {
    decision: 'ignored',
    reason: `Ekiden does nothing about ${kind ?? 'a body of this kind'} yet, only about ${known}`,
  };
}

function kindOf(payload: unknown): string | undefined {
  if (typeof payload !== 'object' || payload === null) return undefined;
  const { object_kind: kind, event_name: name } = payload as Record<string, unknown>;
  const found = kind ?? name;
  return typeof found === 'string' ? found.slice(0, 100) : undefined;
}
