/** Checks answers against Marathon's own types. */
import { readFileSync } from 'node:fs';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { expect } from 'vitest';

const file = new URL('../fixtures/marathon/marathon-v2-types.schema.json', import.meta.url);
const schema = JSON.parse(readFileSync(file, 'utf8')) as { $id: string };
const ajv = new Ajv2020({ strict: false, allErrors: true, validateFormats: false });
ajv.addSchema(schema);

/** Fails with every difference when `value` is none of Marathon's `type`, such as `app.AppInfo`. */
export function expectType(type: string, value: unknown): void {
  const validate = ajv.getSchema(`${schema.$id}#/$defs/${type}`);
  if (!validate) throw new Error(`Marathon has no type ${type}`);
  validate(value);
  expect(validate.errors ?? []).toEqual([]);
}
