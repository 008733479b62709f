/** The shape of groups as clients send them. */
import { z } from 'zod';
import { appInput, parse } from '../apps/app-schema.ts';

const groupInput = z.object({
  id: z.string().min(1).optional(),
  apps: z.array(appInput).optional(),
  get groups() {
    return z.array(groupInput).optional();
  },
  dependencies: z.array(z.string().min(1)).optional(),
  scaleBy: z.number().min(0).optional(),
  version: z.string().optional(),
  enforceRole: z.boolean().optional(),
});

const groupPatch = z.object({ enforceRole: z.boolean().optional() });

export type GroupInput = z.infer<typeof groupInput>;

/** Reads a group with all in it; throws Marathon's 422 with every faulty place. */
export function parseGroup(body: unknown): GroupInput {
  return parse(groupInput, body);
}

/** Reads the body of PATCH `/v2/groups/{id}`. */
export function parseGroupPatch(body: unknown): z.infer<typeof groupPatch> {
  return parse(groupPatch, body);
}
