/** From what a client sends to the complete, valid and versioned definition of an app. */
import { invalidObject } from '../api/api-error.ts';
import type { Root } from '../groups/group.ts';
import { patched, versioned } from './app-change.ts';
import { type App, normalizeApp } from './app-definition.ts';
import type { AppInput } from './app-schema.ts';
import { ensureValidApp } from './app-validation.ts';
import { contradictions } from './deprecated-fields.ts';
import { rolesFor } from './roles.ts';
import { assignServicePorts, takenServicePorts } from './service-ports.ts';

export interface AppWish {
  id: string;
  input: AppInput;
  /** Keep what the input does not name. */
  partial: boolean;
  version: string;
  /** Where the definition stands in the request, for complaints. */
  at?: string;
  /** All service ports in use, where several apps are defined at once. */
  taken?: Set<number>;
}

/** Throws Marathon's 422. `root` has all other apps, among them those of the same request. */
export function defineApp(
  root: Root,
  { id, input, partial, version, at = '', taken }: AppWish,
): App {
  const complaints = contradictions(input).map(({ path, errors }) => ({ path: at + path, errors }));
  if (complaints.length > 0) throw invalidObject(complaints);
  const current = root.apps.get(id);
  const roles = rolesFor(id, root.groups, current);
  const full = current && partial ? patched(current, input) : { ...input, id };
  const normalized = normalizeApp({ ...full, role: full.role || roles.fallback });
  ensureValidApp(normalized, at);
  const { role } = normalized;
  if (!roles.valid.includes(role)) {
    const expected = `got ${role}, expected one of: [${roles.valid.join(', ')}]`;
    throw invalidObject([{ path: `${at}/role`, errors: [expected] }]);
  }
  const ports = taken ?? takenServicePorts(root.apps.values());
  return versioned(current, assignServicePorts(normalized, current, ports), version);
}
